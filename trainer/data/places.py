"""The places of samples in a shot, and the charge that falls there: hits, and blotches of electronic noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from trainer.filming.exposure import PlacedCharge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from edge.detect.hit import Candidate
    from trainer.data.hits import HitBank
    from trainer.filming.studio import Studio

STRONG_MOTION_DN = 10.0
"""Motion around a place that counts as strong: mean |next − previous| over 9×9 pixels, grey levels."""
SMALL_CROP = 96
"""Larger crops share the cost of a shot among several versions of it."""
_REACH = 4
_BRIGHTEST_GROUND_DN = 240
_MAX_BLOTCH_E = 600.0
_TWINS_PX = 12  # places nearer to each other make nearly the same crop


@dataclass(frozen=True, slots=True)
class Mixture:
    """Shares of the kinds of samples.

    Attributes
    ----------
    places_a_shot : int
        Places tried in each shot.
    candidate_share, blotch_share, moving_share : float
        Shares of the places that the fast path proposes without a hit there, that have a transient noise blotch, and
        that lie on moving ground, as far as a shot has them. The rest is random.
    added_dn : tuple of (share, low, high)
        Grey levels that hits are meant to add, log-uniform within each range.

    """

    places_a_shot: int = 34
    candidate_share: float = 0.55
    blotch_share: float = 0.2
    moving_share: float = 0.15
    added_dn: tuple[tuple[float, float, float], ...] = ((0.07, 6, 12), (0.13, 12, 25), (0.35, 25, 40), (0.45, 40, 200))


TRAINING = Mixture()
TEST = Mixture(
    candidate_share=0.5,
    blotch_share=0.25,
    moving_share=0.25,
    added_dn=((0.05, 6, 12), (0.1, 12, 25), (0.55, 25, 40), (0.3, 40, 200)),
)


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a sample: column, row, and why it was chosen ("candidate", "blotch", "moving", "random")."""

    x: int
    y: int
    kind: str


def choose_places(
    greys: tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]],
    candidates: Sequence[Candidate],
    blotches: Sequence[Place],
    rng: Generator,
    *,
    mixture: Mixture,
    crop_size: int,
) -> list[Place]:
    """Choose the places of a shot from its previous, current and next grey: uint8 (h, w) each, without hits."""
    count = mixture.places_a_shot if crop_size <= SMALL_CROP else 2 * mixture.places_a_shot
    special = _candidate_places(candidates, rng, round(count * mixture.candidate_share))
    special += _moving_places(greys[0], greys[2], rng, round(count * mixture.moving_share))
    rest = min(count - len(special) - len(blotches), 3 + len(special) // 2)
    every = [*blotches, *special, *random_places(rng, greys[1].shape[0], crop_size, max(rest, 0), "random")]
    shuffled = [every[int(i)] for i in rng.permutation(len(every))]
    return [place for place in shuffled if float(around(greys[1], place.x, place.y).mean()) < _BRIGHTEST_GROUND_DN]


def in_groups(places: Sequence[Place], spacing: int, groups: int) -> list[list[Place]]:
    """Share places among groups so that those of a group are `spacing` apart; what fits nowhere is left out."""
    shared: list[list[Place]] = [[] for _ in range(groups)]
    points, group_of = np.empty((len(places), 2), np.int64), np.empty(len(places), np.int64)
    count = 0
    for place in places:
        far = np.abs(points[:count] - (place.x, place.y)).max(axis=1, initial=0)
        if (far < _TWINS_PX).any():
            continue
        crowded = set(group_of[:count][far < spacing].tolist())
        for i, group in enumerate(shared):
            if i not in crowded:
                group.append(place)
                points[count], group_of[count] = (place.x, place.y), i
                count += 1
                break
    return [group for group in shared if group]


def hit_at(
    place: Place, studio: Studio, ground: NDArray[np.uint8], rng: Generator, *, bank: HitBank, mixture: Mixture
) -> PlacedCharge:
    """Choose a hit for a place, its brightest pixel there; beside the place where that holds a noise blotch."""
    x, y = place.x, place.y
    if place.kind == "blotch":
        turn, far = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(9, 14))
        x, y = round(x + far * np.cos(turn)), round(y + far * np.sin(turn))
    height, width = ground.shape
    x, y = min(max(x, 0), width - 1), min(max(y, 0), height - 1)
    shares = [share for share, _, _ in mixture.added_dn]
    _, low, high = mixture.added_dn[int(rng.choice(len(shares), p=shares))]
    wanted_dn = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    kind = bank.draw_kind(rng)
    charge = bank.choose(rng, kind, float(around(ground, x, y).mean()), wanted_dn, studio.light_of)
    peak_y, peak_x = (int(v) for v in np.unravel_index(int(charge.argmax()), charge.shape))
    return PlacedCharge(x - peak_x, y - peak_y, charge, kind.nuclide, kind.silicon)


def blotch_at(place: Place, studio: Studio, rng: Generator) -> PlacedCharge:
    """Let one pixel flash by electronic noise: a telegraph step or the tail of its dark current, in one pixel only."""
    step_e = studio.camera.read_noise_e * 4 + float(rng.exponential(studio.camera.telegraph_e))
    return PlacedCharge(place.x, place.y, np.array([[min(step_e, _MAX_BLOTCH_E)]], np.float32))


def random_places(rng: Generator, size: int, crop_size: int, count: int, kind: str) -> list[Place]:
    """Draw places, most of them as far from the border as most of a full picture's are."""
    margin = crop_size // 2 if rng.random() < 0.85 else 2
    return [Place(int(x), int(y), kind) for x, y in rng.integers(margin, size - margin, (count, 2))]


def random_hits(
    studio: Studio, grey: NDArray[np.uint8], rng: Generator, *, count: int, crop_size: int, apart_px: int, bank: HitBank
) -> list[PlacedCharge]:
    """Choose hits for random places of a square picture, at most `count` and at least `apart_px` from each other."""
    places = random_places(rng, grey.shape[0], crop_size, count, "random")
    chosen = in_groups(places, apart_px, 1)[0]
    return [hit_at(place, studio, grey, rng, bank=bank, mixture=TRAINING) for place in chosen]


def _candidate_places(candidates: Sequence[Candidate], rng: Generator, count: int) -> list[Place]:
    drawn = (candidates[int(i)] for i in rng.permutation(len(candidates))[:count])
    return [Place(candidate.x, candidate.y, "candidate") for candidate in drawn]


def _moving_places(
    previous: NDArray[np.uint8], following: NDArray[np.uint8], rng: Generator, count: int
) -> list[Place]:
    """Draw places where the ground moves strongly, fewer where little does."""
    window = 2 * _REACH + 1
    motion = cv2.blur(cv2.absdiff(previous, following), (window, window))
    rows, columns = np.divmod(np.flatnonzero(motion > STRONG_MOTION_DN), motion.shape[1])
    if len(rows) < 20 * count:
        return []
    return [Place(int(columns[i]), int(rows[i]), "moving") for i in rng.integers(len(rows), size=count)]


def around(grey: NDArray[np.uint8], x: int, y: int) -> NDArray[np.uint8]:
    """Return the 9×9 pixels around a place, fewer at the border."""
    return grey[max(0, y - _REACH) : y + _REACH + 1, max(0, x - _REACH) : x + _REACH + 1]
