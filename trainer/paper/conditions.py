"""The conditions of the paper's experiment: its cameras, its source, and how crops with blotches are selected."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from trainer.sensor.camera import PAPER_COVERED, PAPER_OPEN, Camera, change

if TYPE_CHECKING:
    from typing_extensions import Self

SILICON: dict[str, dict[str, float | str]] = {
    "ov2710": {"epi_um": 5.0, "depletion_um": 2.0, "diffusion_um": 0.5, "substrate_diffusion_um": 1.5},
    "thick": {"epi_um": 12.0, "depletion_um": 3.0, "diffusion_um": 0.8, "substrate_diffusion_um": 4.0},
    "deep": {"epi_um": 20.0, "depletion_um": 4.0, "diffusion_um": 0.5, "substrate_diffusion_um": 3.0},
}
"""Kinds of silicon of the study: that of the preset ov2710, that of paper-covered, and a thicker one."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """Everything about cameras, source and selection that decides the pictures.

    Attributes
    ----------
    covered, uncovered : Camera
        The camera with its lens covered (sets A and C), and as it looks at scenes (set B and the unfused tests).
    nuclide : str
    activity_bq, distance_m : float
        The source right above the camera. The paper gives the activity; the distance is assumed.
    blotch_dn : float
        Grey levels by which a blotch of the covered camera rises, at least, where crops are cut around it: one of noise
        in A, a hit in C.
    selected : bool
        Whether each crop of A and C is cut around a noise blotch, as the paper selects pictures; otherwise anywhere.
    natural_share : float
        Share of the crops of A that hold a hit of natural radiation, labelled 0. In 48 hours 0.01 of the paper's
        100,000 pictures would; the default is 0, so that label 0 means no ionisation.
    sensor_seed : int
        Seed of the sensor's faults. A, C and the tests have the same sensor.

    """

    covered: Camera = PAPER_COVERED
    uncovered: Camera = PAPER_OPEN
    nuclide: str = "Tc-99m"
    activity_bq: float = 7e8
    distance_m: float = 0.02
    blotch_dn: float = 120.0
    selected: bool = True
    natural_share: float = 0.0
    sensor_seed: int = 1

    def with_gain(self, gain: float, uncovered: float | None = None) -> Self:
        """Return the conditions with another analogue gain of the covered camera, and of the uncovered one."""
        open_gain = gain if uncovered is None else uncovered
        return replace(self, covered=change(self.covered, gain=gain), uncovered=change(self.uncovered, gain=open_gain))

    def with_silicon(self, name: str) -> Self:
        """Return the conditions with another kind of silicon; see SILICON."""
        values = SILICON[name]
        return replace(self, covered=change(self.covered, **values), uncovered=change(self.uncovered, **values))

    def as_json(self) -> dict[str, Any]:
        """Return the conditions as a JSON object, with those camera parameters that differ from the preset ov2710."""
        return {**asdict(self), "covered": _changed(self.covered), "uncovered": _changed(self.uncovered)}


def _changed(camera: Camera) -> dict[str, Any]:
    usual = Camera().model_dump()
    return {name: value for name, value in camera.model_dump().items() if value != usual[name]}
