"""The dose rate that would explain a rate of hits if it came from one nuclide: an order of magnitude at best."""

from __future__ import annotations

from edge.simulation.sensor import RESPONSES, SENSOR_FACTORS
from edge.telemetry.messages import Equivalent
from edge.text import significant

NUCLIDE = "Tc-99m"
CAVEAT = "if it were Tc-99m; no dosimeter: right to a factor of two at best, another nuclide gives another value"


def equivalent(
    rate_hz: float,
    rate_interval_hz: tuple[float, float],
    background_hz: float,
    background_interval_hz: tuple[float, float],
) -> Equivalent:
    """Return the dose rate of Tc-99m that would give the excess of a rate over the background.

    Examples
    --------
    >>> found = equivalent(1.24, (0.9, 1.7), 0.1, (0.08, 0.12))
    >>> round(found.usv_h), [round(bound) for bound in found.interval_usv_h]
    (50, [16, 90])

    """
    response = RESPONSES[NUCLIDE]
    hz_per_usv_h = response.hits * response.found
    low, high = SENSOR_FACTORS
    return Equivalent(
        nuclide=NUCLIDE,
        usv_h=significant(max(rate_hz - background_hz, 0.0) / hz_per_usv_h),
        interval_usv_h=(
            significant(max(rate_interval_hz[0] - background_interval_hz[1], 0.0) / (hz_per_usv_h * high)),
            significant(max(rate_interval_hz[1] - background_interval_hz[0], 0.0) / (hz_per_usv_h * low)),
        ),
        caveat=CAVEAT,
    )
