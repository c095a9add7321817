"""What hits are that are no radiation: spots that move, points of light that twinkle, and other light.

Three frames do not always tell a flake of snow or a glint from a hit, but what stands around it in the other frames,
the place where it stands, its colour and its shape often do.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.detect.colour import colours_around
from edge.detect.companions import find_companions
from edge.detect.crops import patches
from edge.detect.hit import positions
from edge.detect.light import COLOUR_PX, GREY_PX, describe, shipped_network

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge.capture.frame import Image
    from edge.detect.crops import Indices
    from edge.detect.hit import Hit
    from edge.detect.noise_map import NoiseMap
    from edge.detect.view import View

MOVES = "moves"
POINT_OF_LIGHT = "point of light"
MAX_JUDGED = 64
"""More hits of one frame are left as they are."""
_SIDE_PX = 15
_BLUR_PX = 0.8
_INNER_PX = 7
_MIN_LIGHT_SHARE = 0.1
"""A point of light that makes a hit by twinkling shines with at least this share of the hit's spike all the time."""
_STANDS_OUT = 2.0
"""It exceeds its surroundings by so many times the height that nine in ten pixels of these stay below."""
_MIN_UNEVEN_DN = 0.7
LIKE_LIGHT_ODDS, SURE_ODDS = -1.0, 1.0
"""Log odds below which a hit looks like light, and which light hardly ever reaches."""


def judge_hits(hits: tuple[Hit, ...], view: View, older: Sequence[Image], noise: NoiseMap) -> tuple[Hit, ...]:
    """Return the hits of a frame, with what else they may be.

    Parameters
    ----------
    hits : tuple of Hit
    view : View
        The three frames in which they were found.
    older : sequence of uint8 arrays, shape (height, width)
        Frames before these three.
    noise : NoiseMap

    """
    first, rest = hits[:MAX_JUDGED], hits[MAX_JUDGED:]
    if not first:
        return hits
    xs, ys = positions(first)
    previous, current, following = view.greys
    spikes = np.maximum(current[ys, xs].astype(int) - np.maximum(previous[ys, xs], following[ys, xs]), 1)
    moving = find_companions(view.greys, xs, ys, noise.floor_dn[ys, xs].astype(int)).moving
    stay = np.flatnonzero(~moving)
    xs, ys, spikes = xs[stay], ys[stay], spikes[stay]
    judged = [replace(hit, nuisance=MOVES) for hit in first]
    if stay.size:
        lights = on_points_of_light((previous, following, *older), xs, ys, spikes)
        odds = light_odds([first[i] for i in stay], view, older)
        for i, light, log_odds in zip(stay, lights, odds.tolist(), strict=True):
            judged[i] = replace(
                first[i],
                nuisance=POINT_OF_LIGHT if light else None,
                like_light=log_odds < LIKE_LIGHT_ODDS,
                sure=not log_odds < SURE_ODDS,  # also where they are NaN
            )
    return (*judged, *rest)


def light_odds(hits: Sequence[Hit], view: View, older: Sequence[Image]) -> NDArray[np.float32]:
    """Return how much more likely each hit is radiation than light, as a logarithm, shape (n,).

    NaN, where colours are not known: without them a wide hit looks like light, so that nothing is said.
    """
    described, coloured = describe_hits(hits, view, older)
    return np.where(coloured, shipped_network().log_odds(described), np.float32(np.nan))


def describe_hits(
    hits: Sequence[Hit], view: View, older: Sequence[Image]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Describe hits for `edge.detect.light`.

    Parameters
    ----------
    hits : sequence of Hit
    view : View
    older : sequence of uint8 arrays, shape (height, width)
        Frames before the three, the oldest first.

    Returns
    -------
    described : float32 array, shape (n, 33)
    coloured : bool array, shape (n,)
        Where colours are known; without them a description says little.

    """
    past = list(older)[-2:]
    past = [view.greys[0]] * (2 - len(past)) + past
    greys = patches((*past, *view.greys), *positions(hits), GREY_PX)
    colours, coloured = colours_around(view.frame, hits, COLOUR_PX, view.mask)
    return describe(greys, colours, np.array([hit.score for hit in hits])), coloured


def on_points_of_light(
    frames: Sequence[Image], xs: Indices, ys: Indices, spikes: NDArray[np.int_]
) -> NDArray[np.bool_]:
    """Return which places hold a point of light in other frames, too, shape (n,): a star, a far lamp.

    Parameters
    ----------
    frames : sequence of uint8 arrays, shape (height, width)
        Frames near the one with the hits, without it.
    xs, ys : integer arrays, shape (n,)
        Brightest pixels of the hits.
    spikes : integer array, shape (n,)
        By how much they exceed the frames around them, grey levels.

    """
    height, width = frames[0].shape
    reach = np.arange(_SIDE_PX) - _SIDE_PX // 2
    outside = np.ones((_SIDE_PX, _SIDE_PX), bool)
    near = slice((_SIDE_PX - _INNER_PX) // 2, (_SIDE_PX + _INNER_PX) // 2)
    outside[near, near] = False
    core = slice(_SIDE_PX // 2 - 1, _SIDE_PX // 2 + 2)
    found = np.zeros(len(xs), bool)
    for i, (x, y, spike) in enumerate(zip(xs, ys, spikes, strict=True)):
        rows, columns = np.clip(y + reach, 0, height - 1), np.clip(x + reach, 0, width - 1)
        mean = np.mean([frame[np.ix_(rows, columns)] for frame in frames], axis=0, dtype=np.float32)
        smooth = cv2.GaussianBlur(mean, (0, 0), _BLUR_PX)
        middle, high = np.quantile(smooth[outside], (0.5, 0.9))
        light = float(smooth[core, core].max()) - middle
        found[i] = light > _MIN_LIGHT_SHARE * spike and light > _STANDS_OUT * max(high - middle, _MIN_UNEVEN_DN)
    return found
