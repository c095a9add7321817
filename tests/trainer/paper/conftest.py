"""A protocol so small that it runs in seconds: a small sensor, few hits, generated places."""

from dataclasses import replace

import pytest

from trainer.paper.conditions import Conditions
from trainer.paper.sizes import OURS, OURS_OPTIONS, Size, Stage
from trainer.sensor.camera import change


@pytest.fixture(scope="session", autouse=True)
def _few_hits():
    """Simulate few hits, which takes a second instead of ten."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("trainer.sensor.radiation.LIBRARY_HITS", 200)
        patch.setattr("trainer.sensor.radiation._NATURAL_HITS", 100)
        yield


@pytest.fixture(scope="session")
def conditions() -> Conditions:
    """The conditions of the protocol with a sensor of 480 by 360 pixels that has many faults."""
    usual = Conditions().with_silicon("ov2710")
    small = {"width": 480, "height": 360, "hot_fraction": 2e-4}
    return replace(usual, covered=change(usual.covered, **small), uncovered=change(usual.uncovered, **small))


@pytest.fixture(scope="session")
def size() -> Size:
    """One network of ours, two epochs of two batches."""
    stage = Stage(OURS, 64, 64, 2, 1e-3, planes="spike", options=OURS_OPTIONS)
    return Size(
        "tiny", 64, {64: 30}, {64: 30}, fused=64, validation=16, tests=24, places=2, other_places=2, stages=(stage,),
        batch_size=16, precision="float32",
    )  # fmt: skip


@pytest.fixture(scope="session")
def quick_size(size) -> Size:
    """Two stages of a tiny network, of which nothing is converted."""
    first = Stage("screen", 64, 32, 2, 1e-3, darkness=2.0)
    second = Stage("screen", 64, 64, 2, 1e-3, starts_from=first.name)
    return replace(size, stages=(first, second))
