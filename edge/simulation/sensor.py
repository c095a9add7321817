"""What a source does to a camera: hits per live second for a dose rate, by the sensor model and the detector."""

from __future__ import annotations

from typing import NamedTuple

SENSOR_FACTORS = (0.79, 2.1)
"""What is not known of the sensor moves the rates by these factors: with Tc-99m 0.022 to 0.06 (docs/camera.md)."""


class Response(NamedTuple):
    """How an OV2710 that is exposed all the time answers to a nuclide.

    Attributes
    ----------
    hits : float
        Hits of 25 electrons and more per second and µSv/h of ambient dose equivalent, on the whole sensor.
    found : float
        Share of them that the detector finds on still ground of grey 72, where it finds most.

    """

    hits: float
    found: float


# hits: `gammabox-trainer study validate-sensor`, the table "What it gives" of docs/camera.md.
# found: `gammabox-trainer sensitivity --nuclide NAME --frames 50 --size 320x240 --set defect_correction=false`, some
# 380 hits each, so ± 0.04.
RESPONSES = {
    "Tc-99m": Response(0.0288, 0.79),
    "Cs-137": Response(0.0385, 0.85),
    "Co-60": Response(0.0557, 0.80),
    "I-131": Response(0.0284, 0.88),
    "Am-241": Response(0.0900, 0.76),
}


def extra_hz(nuclide: str, dose_rate_usv_h: float, found: float | None = None) -> float:
    """Return the hits per live second that a source adds.

    Live seconds are those of `edge.alarm.live_time`, so exposure, brightness and moving ground do not matter here.

    Parameters
    ----------
    nuclide : str
        One of `RESPONSES`.
    dose_rate_usv_h : float
        Ambient dose equivalent rate at the camera.
    found : float or None
        Share of the hits that the detector finds; None takes that of the nuclide.

    Examples
    --------
    >>> round(extra_hz("Tc-99m", 50), 2)
    1.14

    """
    response = RESPONSES[nuclide]
    return response.hits * dose_rate_usv_h * (response.found if found is None else found)
