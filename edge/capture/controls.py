"""What is asked of a camera's exposure, gain and white balance, and what the camera made of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

WhiteBalance: TypeAlias = "float | tuple[float, float]"
"""A colour temperature in kelvin, or the gains of red and blue."""

AUTOMATIC_EXPOSURE = (
    "the exposure is automatic: sensitivity changes with the light, and rates cannot be compared; set source.exposure_s"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a camera is asked for; None leaves it to the camera.

    Attributes
    ----------
    exposure_s : float or None
        Exposure time in seconds.
    gain : float or None
        In the camera's own units.
    white_balance : float, (float, float) or None
        Kelvin, or the gains of red and blue.

    """

    exposure_s: float | None = None
    gain: float | None = None
    white_balance: WhiteBalance | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """What a camera has after it was asked, as it was read back.

    Attributes
    ----------
    exposure_s, gain : float or None
        None where unknown or automatic.
    refused : tuple of str
        What was asked for and not done, a sentence each.
    warnings : mapping of kind to str
        What was not asked for, and should be.
    values : mapping of int to int
        The controls that were set, by number.

    """

    exposure_s: float | None = None
    gain: float | None = None
    refused: tuple[str, ...] = ()
    warnings: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[int, int] = field(default_factory=dict)
