"""What hits are that are no radiation: spots that move, points of light that twinkle, and other light.

Three frames do not always tell a flake of snow or a glint from a hit, but what stands around it in the other frames,
the place where it stands, its colour and its shape often do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.detect.colour import colours_around, colours_of
from edge.detect.companions import find_companions
from edge.detect.crops import patches
from edge.detect.faint import describe_more, grades_of, shipped_networks
from edge.detect.hit import positions
from edge.detect.light import COLOUR_PX, GREY_PX, describe, shipped_network
from edge.detect.light import NAMES as LIGHT_NAMES
from edge.statistics import row_quantiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge.capture.frame import Image
    from edge.detect.colour import Colours
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
LIKE_LIGHT_ODDS = -1.0
"""Log odds below which a hit looks like light."""


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What a frame shows around its spots.

    Attributes
    ----------
    view : View
        The three frames in which they were found.
    older : sequence of uint8 arrays, shape (height, width)
        Frames before these three, the oldest first.
    noise : NoiseMap
    candidates : int
        Of the whole frame.

    """

    view: View
    older: Sequence[Image]
    noise: NoiseMap
    candidates: int

    @cached_property
    def colours(self) -> Colours | None:
        """The colours of the middle frame, decoded when they are first asked for; None where it has none."""
        return colours_of(self.view.frame, self.view.mask)


@dataclass(frozen=True, slots=True, eq=False)
class SecondLook:
    """What spots are that are looked at once more.

    Attributes
    ----------
    moving, on_light : bool array, shape (n,)
        Whether each moves, and whether it stands on a point of light.
    described : float32 array, shape (n, 37)
        See `edge.detect.faint`, and `edge.detect.light` for the first 33.
    coloured : bool array, shape (n,)
        Where colours are known; without them a description says little.

    """

    moving: NDArray[np.bool_]
    on_light: NDArray[np.bool_]
    described: NDArray[np.float32]
    coloured: NDArray[np.bool_]

    @property
    def light_odds(self) -> NDArray[np.float32]:
        """How much more likely each is radiation than light, as a logarithm, shape (n,).

        NaN, where colours are not known: without them a wide hit looks like light, so that nothing is said.
        """
        odds = shipped_network().log_odds(self.described[:, : len(LIGHT_NAMES)])
        return np.where(self.coloured, odds, np.float32(np.nan))

    @property
    def sure_odds(self) -> NDArray[np.float32]:
        """The same by what moves and shines around, too: see `edge.detect.faint.GRADES`."""
        return np.where(self.coloured, shipped_networks().log_odds(self.described), np.float32(np.nan))


def judge_spots(
    hits: tuple[Hit, ...], unsure: tuple[Hit, ...], around: Surroundings
) -> tuple[tuple[Hit, ...], tuple[Hit, ...]]:
    """Look once more at the spots of a frame.

    Parameters
    ----------
    hits : tuple of Hit
    unsure : tuple of Hit
        Candidates that the classifier refuses by little.
    around : Surroundings

    Returns
    -------
    hits : tuple of Hit
        The same hits, with what else they may be.
    graded : tuple of Hit
        Those of the unsure that may be radiation, with their grades.

    """
    first, rest = hits[:MAX_JUDGED], hits[MAX_JUDGED:]
    spots = (*first, *unsure)
    if not spots:
        return hits, ()
    look = look_at(spots, around)
    sure_odds = look.sure_odds
    columns = (look.moving.tolist(), look.on_light.tolist(), look.light_odds.tolist(), grades_of(sure_odds))
    judged = tuple(
        replace(hit, nuisance=MOVES)
        if moves
        else replace(
            hit,
            nuisance=POINT_OF_LIGHT if on_light else None,
            like_light=light_odds < LIKE_LIGHT_ODDS,
            grade=grade,
        )
        for hit, moves, on_light, light_odds, grade in zip(first, *columns, strict=False)
    )
    known = ~np.isnan(sure_odds)
    told = zip(unsure, columns[-1][len(first) :], known.tolist()[len(first) :], strict=True)
    graded = tuple(replace(hit, grade=grade) for hit, grade, is_known in told if grade and is_known)
    return (*judged, *rest), graded


def look_at(spots: Sequence[Hit], around: Surroundings) -> SecondLook:
    """Look once more at spots of a frame, at least one."""
    view, noise, older = around.view, around.noise, list(around.older)[-2:]
    xs, ys = positions(spots)
    previous, current, following = view.greys
    spikes = np.maximum(current[ys, xs].astype(int) - np.maximum(previous[ys, xs], following[ys, xs]), 1)
    companions = find_companions(view.greys, xs, ys, noise.floor_dn[ys, xs].astype(int))
    on_light = on_points_of_light((previous, following, *older), xs, ys, spikes)
    past = [previous] * (2 - len(older)) + older
    greys = patches((*past, *view.greys), xs, ys, GREY_PX)
    colours, coloured = colours_around(around.colours, spots, COLOUR_PX)
    described = describe(greys, colours, np.array([spot.score for spot in spots]))
    more = describe_more(described, companions.shares, on_light, around.candidates)
    return SecondLook(companions.moving, on_light, more, coloured)


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
    if not len(xs):
        return np.zeros(0, bool)
    (height, width), reach = frames[0].shape, np.arange(_SIDE_PX) - _SIDE_PX // 2
    rows, columns = np.clip(ys[:, None] + reach, 0, height - 1), np.clip(xs[:, None] + reach, 0, width - 1)
    means: NDArray[np.float32] = np.mean(
        [frame[rows[:, :, None], columns[:, None, :]] for frame in frames], axis=0, dtype=np.float32
    )
    smooth = np.stack([cv2.GaussianBlur(mean, (0, 0), _BLUR_PX) for mean in means])
    outside = np.ones((_SIDE_PX, _SIDE_PX), bool)
    near = slice((_SIDE_PX - _INNER_PX) // 2, (_SIDE_PX + _INNER_PX) // 2)
    outside[near, near] = False
    core = slice(_SIDE_PX // 2 - 1, _SIDE_PX // 2 + 2)
    around = smooth[:, outside]
    middle, high = row_quantiles(around, 0.5), row_quantiles(around, 0.9)
    light = smooth[:, core, core].max(axis=(1, 2)) - middle
    shines: NDArray[np.bool_] = (light > _MIN_LIGHT_SHARE * spikes) & (
        light > _STANDS_OUT * np.maximum(high - middle, _MIN_UNEVEN_DN)
    )
    return shines
