"""A small camera and a library of hits made once, for all tests of the workstation."""

from dataclasses import replace

import numpy as np
import pytest

from trainer.paper.conditions import Conditions
from trainer.sensor.camera import OV2710, Camera, change
from trainer.sensor.library import HitLibrary, simulate_hits
from trainer.sensor.photons import Spectrum


@pytest.fixture(scope="session")
def camera() -> Camera:
    """An OV2710 of few pixels."""
    return change(OV2710, width=160, height=120)


@pytest.fixture(scope="session")
def library() -> HitLibrary:
    """Hits of 140.5 keV photons."""
    return simulate_hits(OV2710, Spectrum("Tc-99m", np.array([140.5]), np.array([1.0])), 150, 1)


@pytest.fixture(scope="module")
def few_hits():
    """Simulate few hits, which takes a second instead of ten."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("trainer.sensor.radiation.LIBRARY_HITS", 200)
        patch.setattr("trainer.sensor.radiation._NATURAL_HITS", 100)
        yield


@pytest.fixture(scope="session")
def conditions() -> Conditions:
    """The conditions of the paper's protocol, with quickly simulated silicon and a small sensor of many faults."""
    usual = Conditions().with_silicon("ov2710")
    small = {"width": 480, "height": 360, "hot_fraction": 2e-4}
    return replace(usual, covered=change(usual.covered, **small), uncovered=change(usual.uncovered, **small))
