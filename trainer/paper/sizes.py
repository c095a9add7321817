"""Sizes of the protocol: how many crops are made, how long each network is trained, and on crops of which side."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from edge.detect.crops import Planes
    from trainer.training.run import Precision

SizeName = Literal["small", "cpu", "full"]
Kind = Literal["dark", "dusk", "day", "full"]
"""Small crops of dark scenes, of darker ones, and in full light; then crops as large as the paper's."""
PAPER_CROP = 224
WARM_CROP = 96
OURS = "alexnet_edge"
OURS_OPTIONS: dict[str, Any] = {"width": 0.25, "first_stride": 1, "first_kernel": 5}
"""Ours is fully convolutional with a global maximum: it judges a crop of any size as a whole, as the paper's do."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One training of one network.

    Attributes
    ----------
    network : str
    crop_size : int
    samples : int
        Samples that it sees; a fused crop counts each time it is seen.
    epochs : int
        Parts of the training, after each of which a checkpoint is written and the validation loss measured.
    learning_rate : float
    planes : {"rgb", "temporal", "spike"}
        "rgb" is the paper's single picture.
    options : dict
        Arguments of the network.
    starts_from : str or None
        Name of the stage whose weights it begins with.
    darkness : float
        How much scenes are darkened, in training and validation (see `draw_pairs`). On dark ground a network learns
        from few samples what a hit looks like. Tests have all light.

    """

    network: str
    crop_size: int
    samples: int
    epochs: int
    learning_rate: float
    planes: Planes = "rgb"
    options: dict[str, Any] = field(default_factory=dict)
    starts_from: str | None = None
    darkness: float = 0.0

    @property
    def name(self) -> str:
        """Name of its run folder."""
        return f"{self.network}-{self.crop_size}" + (f"-dark{self.darkness:g}" if self.darkness else "")


@dataclass(frozen=True, slots=True)
class Size:
    """How large everything is.

    Attributes
    ----------
    name : str
    crop_size : int
        Side of the crops of the tests.
    covered, scenes : dict of crop size to int
        Crops of A (and of C), and of B.
    fused : int
        Different fused crops for training, half of each label.
    validation : int
        Fused crops that choose the best epoch.
    tests : int
        Crops of each test, half of each label.
    places : int
        Generated places, where no recordings are named; a quarter of it beside recordings.
    other_places : int
        Generated places of the test at other places, where no recordings are named for it.
    stages : tuple of Stage
        In the order in which they are trained. The last stage of each network is judged.
    batch_size : int
    precision : {"float32", "mixed_bfloat16", "mixed_float16"}

    """

    name: str
    crop_size: int
    covered: dict[int, int]
    scenes: dict[int, int]
    fused: int
    validation: int
    tests: int
    places: int
    other_places: int
    stages: tuple[Stage, ...]
    batch_size: int = 128
    precision: Precision = "mixed_bfloat16"

    @property
    def judged(self) -> tuple[Stage, ...]:
        """The last stage of each network, in the order of training."""
        last = {stage.network: stage for stage in self.stages}
        return tuple(stage for stage in self.stages if last[stage.network] is stage)

    @property
    def disk_bytes(self) -> int:
        """Bytes that all of it takes at most: crops, checkpoints with their optimizers, tests and bundles."""
        crops = sum(6 * side**2 * (2 * self.covered[side] + self.scenes[side]) for side in self.covered)
        tests = 6 * self.crop_size**2 * (3 * self.tests + _CALIBRATION)
        weights = sum(_WEIGHTS.get(stage.network, 12_000_000) * 4 * 5 for stage in self.stages)
        return crops + tests + weights

    def as_json(self) -> dict[str, Any]:
        """Return the size as a JSON object."""
        return asdict(self)


_CALIBRATION = 1024
_WEIGHTS = {"alexnet_paper": 57_000_000, "googlenet": 6_000_000, OURS: 200_000}
_DARKNESS: dict[Kind, float] = {"dark": 2.0, "dusk": 0.7}
_RATES = {"alexnet_paper": 3e-4, "googlenet": 3e-4, "resnet": 1e-3, OURS: 2e-3}


def _stages(network: str, *trainings: tuple[Kind, int, int]) -> tuple[Stage, ...]:
    """Return stages that follow one another, each of (kind, samples, epochs).

    Small crops cost a fifth, and convolutions that are trained on them serve large crops. On dark ground a network
    learns from few samples what a hit looks like. Afterwards a lower rate keeps it from being forgotten.
    """
    ours: dict[str, Any] = {"planes": "spike", "options": OURS_OPTIONS} if network == OURS else {}
    stages: list[Stage] = []
    for kind, samples, epochs in trainings:
        side = PAPER_CROP if kind == "full" else WARM_CROP
        before = stages[-1].name if stages else None
        rate = _RATES[network] / (3 if before else 1)
        darkness = _DARKNESS.get(kind, 0.0)
        stages.append(Stage(network, side, samples, epochs, rate, starts_from=before, darkness=darkness, **ours))
    return tuple(stages)


SMALL = Size(
    name="small",
    crop_size=WARM_CROP,
    covered={WARM_CROP: 4000},
    scenes={WARM_CROP: 4000},
    fused=20_000,
    validation=1000,
    tests=2000,
    places=24,
    other_places=12,
    stages=(
        *_stages("alexnet_paper", ("dark", 8000, 2), ("dusk", 8000, 2), ("day", 16_000, 4)),
        *_stages(OURS, ("day", 16_000, 4)),
        *_stages("resnet", ("dark", 4000, 1), ("dusk", 4000, 1), ("day", 8000, 2)),
        *_stages("googlenet", ("dark", 8000, 2), ("dusk", 4000, 1), ("day", 8000, 2)),
    ),
)
CPU = Size(
    name="cpu",
    crop_size=PAPER_CROP,
    covered={WARM_CROP: 12_000, PAPER_CROP: 6000},
    scenes={WARM_CROP: 12_000, PAPER_CROP: 8000},
    fused=150_000,
    validation=2000,
    tests=4000,
    places=48,
    other_places=24,
    stages=(
        *_stages(OURS, ("day", 120_000, 8), ("full", 30_000, 6)),
        *_stages("resnet", ("dark", 10_000, 2), ("dusk", 20_000, 2), ("day", 30_000, 3), ("full", 60_000, 16)),
        *_stages("alexnet_paper", ("dark", 20_000, 2), ("dusk", 30_000, 3), ("day", 50_000, 4), ("full", 200_000, 25)),
        *_stages("googlenet", ("dark", 10_000, 2), ("dusk", 20_000, 2), ("day", 30_000, 3), ("full", 60_000, 20)),
    ),
)
FULL = replace(
    CPU,
    name="full",
    covered={WARM_CROP: 20_000, PAPER_CROP: 25_000},
    scenes={WARM_CROP: 20_000, PAPER_CROP: 50_000},
    validation=50_000,
    tests=40_000,
    stages=(
        *_stages(
            "alexnet_paper", ("dark", 50_000, 2), ("dusk", 100_000, 4), ("day", 450_000, 9), ("full", 1_800_000, 36)
        ),
        *_stages(OURS, ("day", 500_000, 10), ("full", 300_000, 12)),
        *_stages("resnet", ("dark", 50_000, 2), ("dusk", 100_000, 4), ("day", 450_000, 9), ("full", 1_800_000, 36)),
        *_stages("googlenet", ("dark", 50_000, 2), ("dusk", 100_000, 4), ("day", 450_000, 9), ("full", 1_800_000, 36)),
    ),
)
SIZES: dict[SizeName, Size] = {"small": SMALL, "cpu": CPU, "full": FULL}
