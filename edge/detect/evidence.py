"""What the decision weighs, measured in the pictures: motion beyond noise, extent, drift, colour, the border."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.detect.colour import spot_colours
from edge.detect.crops import patches
from edge.detect.decision import Context
from edge.detect.hit import positions
from edge.detect.noise_map import BLOCK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge.detect.crops import Indices
    from edge.detect.hit import Candidate
    from edge.detect.noise_map import NoiseMap
    from edge.detect.view import Greys, View

    Values = NDArray[np.float64]

_RESTING_SIGMAS = 1.5
"""Mean |next − previous| of ground at rest is 1.13 standard deviations of a pixel and rarely reaches this many."""
_BORDER_PX = 2
_POINT_EXTENT = 3.0
_GREAT_LIGHT_DN = 500.0
_EXTENT_PX = 7
_FOOT = 0.25
_DRIFT_PX = 33
_DRIFT_GAP_PX = 11
"""The middle is left out: cameras that smooth in time, and codecs, leave a trace of the spot in the next frame."""


def context_of(
    view: View,
    candidates: Sequence[Candidate],
    noise: NoiseMap,
    *,
    classifier_margin: Values,
    screen_margin: Values | None,
    stopped_per_frame: float | None,
    near_recent_motion: NDArray[np.bool_],
) -> Context:
    """Measure candidates of a frame and return the context in which they are decided.

    Parameters
    ----------
    view : View
    candidates : sequence of Candidate
    noise : NoiseMap
        Noise of the camera with which the candidates were found.
    classifier_margin, screen_margin, stopped_per_frame, near_recent_motion
        See `Context`.

    """
    spots = Spots(view, candidates)
    return Context(
        classifier_margin=classifier_margin,
        screen_margin=screen_margin,
        motion_dn=motion_beyond_noise(candidates, noise),
        stopped_per_frame=stopped_per_frame,
        entering=entering(view.greys, candidates),
        near_recent_motion=near_recent_motion,
        extents=spots.extents,
        drifts=spots.drifts,
        colours=spots.colours,
    )


class Spots:
    """The spots of some candidates, of which a few are measured when the decision depends on it.

    Parameters
    ----------
    view : View
    candidates : sequence of Candidate

    """

    def __init__(self, view: View, candidates: Sequence[Candidate]) -> None:
        self._view = view
        self._candidates = candidates

    def extents(self, chosen: NDArray[np.intp]) -> Values:
        """Return the extents of the chosen spots, one value an index."""
        return extents(self._view.greys, *positions(self._of(chosen)))

    def drifts(self, chosen: NDArray[np.intp]) -> Values:
        """Return the drifts of the ground around the chosen spots, one value an index."""
        return drifts(self._view.greys, *positions(self._of(chosen)))

    def colours(self, chosen: NDArray[np.intp]) -> Values:
        """Return the colours of the chosen spots, one value an index; NaN where they are not known.

        A colour that exceeds the height of its spot counts as 0: no hit has so much, but things that move do.
        """
        candidates = self._of(chosen)
        colours = spot_colours(self._view.frame, candidates, self._view.mask)
        heights = np.array([candidate.spike_dn for candidate in candidates])
        return np.where(colours > heights, 0.0, colours)

    def _of(self, chosen: NDArray[np.intp]) -> list[Candidate]:
        return [self._candidates[i] for i in chosen]


def motion_beyond_noise(candidates: Sequence[Candidate], noise: NoiseMap) -> Values:
    """Return the motion under candidates beyond what noise shows on ground at rest, grey levels, shape (n,).

    max(mean |next − previous| − 1.5 × sigma, 0)
    """
    sigmas_dn = [float(noise.sigma_dn[candidate.y // BLOCK, candidate.x // BLOCK]) for candidate in candidates]
    resting_dn = _RESTING_SIGMAS * np.array(sigmas_dn, np.float64)
    return np.maximum(np.array([candidate.motion_dn for candidate in candidates], np.float64) - resting_dn, 0.0)


def extents(greys: Greys, xs: Indices, ys: Indices) -> Values:
    """Return the light of each spot in units of its brightest pixel, 1 or more, shape (n,).

    Pixels within 3 of the spot at (x, y) count that rise above both neighbouring frames by a quarter of its height.
    """
    around = patches(greys, xs, ys, _EXTENT_PX).astype(np.int16)
    spike = around[..., 1] - np.maximum(around[..., 0], around[..., 2])
    height = np.maximum(spike[:, _EXTENT_PX // 2, _EXTENT_PX // 2], 1)[:, None, None]
    light: Values = np.where(spike > height * _FOOT, spike, 0).sum(axis=(1, 2)) / height[:, 0, 0]
    return np.maximum(light, 1.0)


def entering(greys: Greys, candidates: Sequence[Candidate]) -> NDArray[np.bool_]:
    """Return which candidates look like the tip of a thing that enters at the border of the picture, shape (n,).

    These lie in the two outermost rows or columns and are points, of an extent below 3, or great lights, of more than
    500 grey levels in all.
    """
    height, width = greys[1].shape
    xs, ys = positions(candidates)
    at_border: NDArray[np.bool_] = np.minimum.reduce([xs, ys, width - 1 - xs, height - 1 - ys]) < _BORDER_PX
    if at_border.any():
        heights = np.array([candidate.spike_dn for candidate in candidates])[at_border]
        extent = extents(greys, xs[at_border], ys[at_border])
        at_border[at_border] = (extent < _POINT_EXTENT) | (extent * heights > _GREAT_LIGHT_DN)
    return at_border


def drifts(greys: Greys, xs: Indices, ys: Indices) -> Values:
    """Return by how much the light of the ground around each spot changes, grey levels, shape (n,).

    |mean of the next frame − mean of the previous frame|, over 33×33 pixels without the inner 11×11

    It shows a shadow far below the noise of a pixel.
    """
    around = patches((greys[0], greys[2]), xs, ys, _DRIFT_PX).astype(np.int16)
    change = around[..., 1] - around[..., 0]
    first = (_DRIFT_PX - _DRIFT_GAP_PX) // 2
    gap = change[:, first : first + _DRIFT_GAP_PX, first : first + _DRIFT_GAP_PX]
    total = change.sum(axis=(1, 2), dtype=np.int64) - gap.sum(axis=(1, 2), dtype=np.int64)
    drift: Values = np.abs(total) / (_DRIFT_PX**2 - _DRIFT_GAP_PX**2)
    return drift
