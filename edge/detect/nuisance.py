"""What hits are that are no radiation: spots that move, points of light that twinkle, and other light.

Three frames do not always tell a flake of snow or a glint from a hit, but what stands around it in the other frames,
the place where it stands, its colour and its shape often do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.detect.colour import colours_around
from edge.detect.companions import find_companions
from edge.detect.crops import patches
from edge.detect.faint import describe_more, grades_of, shipped_networks
from edge.detect.hit import positions
from edge.detect.light import COLOUR_PX, GREY_PX, describe, shipped_network
from edge.detect.light import NAMES as LIGHT_NAMES

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
LIKE_LIGHT_ODDS = -1.0
"""Log odds below which a hit looks like light."""


@dataclass(frozen=True, slots=True, eq=False)
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


def judge_hits(hits: tuple[Hit, ...], around: Surroundings) -> tuple[Hit, ...]:
    """Return the hits of a frame, with what else they may be."""
    first, rest = hits[:MAX_JUDGED], hits[MAX_JUDGED:]
    if not first:
        return hits
    look = look_at(first, around)
    columns = (look.moving.tolist(), look.on_light.tolist(), look.light_odds.tolist(), grades_of(look.sure_odds))
    judged = (
        replace(hit, nuisance=MOVES)
        if moves
        else replace(
            hit,
            nuisance=POINT_OF_LIGHT if on_light else None,
            like_light=light_odds < LIKE_LIGHT_ODDS,
            grade=grade,
        )
        for hit, moves, on_light, light_odds, grade in zip(first, *columns, strict=True)
    )
    return (*judged, *rest)


def judge_unsure(unsure: Sequence[Hit], around: Surroundings) -> tuple[Hit, ...]:
    """Return the candidates that the classifier refuses by little, but that may be radiation, with their grades."""
    if not unsure:
        return ()
    odds = look_at(unsure, around).sure_odds
    known = ~np.isnan(odds)
    return tuple(
        replace(hit, grade=grade)
        for hit, grade, said in zip(unsure, grades_of(odds), known.tolist(), strict=True)
        if grade and said
    )


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
    colours, coloured = colours_around(view.frame, spots, COLOUR_PX, view.mask)
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
