"""From shots to samples: places of candidates and random ones, a hit at each, and for every place a coin for its label.

Every place of a shot is struck by a hit in a second version of the middle frame; a coin then decides whether the sample
is cut from the version with hits (label 1) or from the one without (label 0). So nothing but the hit can tell the
labels apart: places, scenes, cameras, noise and blotches are the same for both.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.detect.crops import cut, window_origin
from edge.detect.fast_path import find_candidates
from trainer.data.dataset import Samples, Split, Strata
from trainer.data.shots import Planned, Strike, Studio, decode_colour, decode_grey, describe_strikes, place_charge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from edge.bundle import CandidateRules
    from edge.detect.hit import Candidate
    from trainer.data.hits import HitBank

LEAST_ADDED_DN = 6.0
"""A hit that adds less is no sample: it cannot be seen in 8 bits."""
LEAST_KEPT_DN = 4.0
"""Nor one of which JPEG left less than this."""
STRONG_MOTION_DN = 10.0
"""Motion around a place that counts as strong: mean |next − previous| over 9×9 pixels, grey levels."""
_JITTER_PX = 2
_REACH = 4
_BRIGHTEST_GROUND_DN = 240


@dataclass(frozen=True, slots=True)
class Mixture:
    """What share of samples is what.

    Attributes
    ----------
    places_a_shot : int
        Places tried in each shot.
    candidate_share, blotch_share, moving_share : float
        Of the places, those that the fast path proposes without a hit there, those with a transient noise blotch, and
        those on moving ground, as far as a shot has them; the rest is random.
    added_dn : tuple of (share, low, high)
        What hits are meant to add, log-uniform within each range, in grey levels.

    """

    places_a_shot: int = 34
    candidate_share: float = 0.55
    blotch_share: float = 0.2
    moving_share: float = 0.15
    added_dn: tuple[tuple[float, float, float], ...] = ((0.07, 6, 12), (0.13, 12, 25), (0.35, 25, 40), (0.45, 40, 200))


TRAINING = Mixture()
TEST = Mixture(
    candidate_share=0.35,
    blotch_share=0.35,
    moving_share=0.25,
    added_dn=((0.05, 6, 12), (0.1, 12, 25), (0.55, 25, 40), (0.3, 40, 200)),
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sample is made: column, row, and why there ("candidate", "blotch", "moving", "random")."""

    x: int
    y: int
    kind: str


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """The decoded pictures of a studio: greys (h, w) and colours (h, w, 3), uint8, and what struck where."""

    previous: NDArray[np.uint8] = field(repr=False)
    following: NDArray[np.uint8] = field(repr=False)
    blank_grey: NDArray[np.uint8] = field(repr=False)
    blank_bgr: NDArray[np.uint8] = field(repr=False)
    struck_grey: NDArray[np.uint8] = field(repr=False)
    struck_bgr: NDArray[np.uint8] = field(repr=False)
    places: tuple[Place, ...]
    strikes: tuple[Strike, ...]
    candidates_blank: tuple[Candidate, ...] = field(repr=False)
    candidates_struck: tuple[Candidate, ...] = field(repr=False)
    blotches: tuple[tuple[int, int], ...]


def take_shot(
    studio: Studio, crop_size: int, rng: Generator, *, bank: HitBank, mixture: Mixture, rules: CandidateRules
) -> Shot:
    """Take the three pictures, find places in them, and take the middle one again with a hit at each place.

    Raises
    ------
    Undecodable
        A nuisance destroyed a frame.

    """
    size = studio.scene.levels[0].shape[0]
    spacing = max(24, crop_size // 2 + 8)
    blotch_places = _random_places(rng, size, crop_size, round(mixture.places_a_shot * mixture.blotch_share), "blotch")
    blotches = [_blotch(place, studio, rng) for place in blotch_places]
    before = studio.picture(1, place_charge((size, size), blotches))
    blank = studio.sent(before, 1)
    packed = [studio.sent(studio.picture(t, None), t) for t in (0, 2)]
    previous, following, blank_grey = decode_grey(packed[0]), decode_grey(packed[1]), decode_grey(blank)
    candidates = find_candidates(previous, blank_grey, following, rules).candidates
    wanted = _candidate_places(candidates, rng, round(mixture.places_a_shot * mixture.candidate_share))
    wanted += _moving_places(previous, following, rng, round(mixture.places_a_shot * mixture.moving_share))
    rest = min(mixture.places_a_shot - len(wanted) - len(blotch_places), 3 + len(wanted) // 2)
    every = blotch_places + wanted + _random_places(rng, size, crop_size, max(rest, 0), "random")
    places = _apart([every[int(i)] for i in rng.permutation(len(every))], spacing, blank_grey)
    hits = [_hit_at(place, studio, blank_grey, rng, bank=bank, mixture=mixture) for place in places]
    after = studio.picture(1, place_charge((size, size), [*blotches, *hits]))
    struck = studio.sent(after, 1)
    struck_grey = decode_grey(struck)
    kept = struck_grey.astype(np.int16) - blank_grey
    return Shot(
        previous,
        following,
        blank_grey,
        decode_colour(blank),
        struck_grey,
        decode_colour(struck),
        tuple(places),
        tuple(describe_strikes(hits, before, after, kept)),
        candidates,
        find_candidates(previous, struck_grey, following, rules).candidates,
        tuple((one.x0, one.y0) for one in blotches),
    )


def samples_of(shot: Shot, studio: Studio, split: Split, crop_size: int, rng: Generator) -> Samples:
    """Cut the samples of a shot; the coin for each label comes from `rng`."""
    parts = []
    for i, (chosen, strike) in enumerate(zip(shot.places, shot.strikes, strict=True)):
        place = chosen
        label = int(rng.random() < 0.5)
        jitter = rng.integers(-_JITTER_PX, _JITTER_PX + 1, 2)
        if chosen.kind == "blotch" and rng.random() < 0.5:
            # A blotch beside the middle must not mean a hit: half of label 0 has it beside the middle, too.
            place = Place(strike.x, strike.y, "beside blotch")
        if strike.added_dn < LEAST_ADDED_DN or strike.kept_dn < LEAST_KEPT_DN:
            continue  # for both labels: what hits cannot be seen on must not tell them apart
        parts.append(
            _sample(
                shot,
                studio,
                i,
                place,
                label=label,
                jitter=(int(jitter[0]), int(jitter[1])),
                crop_size=crop_size,
                split=split,
            )
        )
    return Samples.joined(parts, crop_size)


def _sample(
    shot: Shot,
    studio: Studio,
    index: int,
    place: Place,
    *,
    label: int,
    jitter: tuple[int, int],
    crop_size: int,
    split: Split,
) -> Samples:
    strike = shot.strikes[index]
    target = (strike.x, strike.y) if label else (place.x, place.y)
    proposal = _near(shot.candidates_struck if label else shot.candidates_blank, target, strike.box if label else None)
    x, y = proposal if proposal is not None else target
    height, width = shot.previous.shape
    centre = (min(max(x + jitter[0], 0), width - 1), min(max(y + jitter[1], 0), height - 1))
    origin = window_origin(*centre, crop_size, width, height)
    current, bgr = (shot.struck_grey, shot.struck_bgr) if label else (shot.blank_grey, shot.blank_bgr)
    greys = np.stack([cut(grey, origin, crop_size) for grey in (shot.previous, current, shot.following)], axis=-1)
    inside = [one for one in shot.strikes if label and _in_window((one.x, one.y), origin, crop_size)]
    moved = cv2.absdiff(*(_around(grey, x, y) for grey in (shot.previous, shot.following)))
    strata: Strata = {
        "scene": studio.scene.scene,
        "recording": studio.scene.recording,
        "split": split,
        "added_dn": strike.added_dn if label else None,
        "stratum": _stratum(strike.added_dn) if label else "negative",
        "hits": [[one.x - origin[0], one.y - origin[1], one.added_dn] for one in inside],
        "pixels": strike.pixels if label else None,
        "peak_e": strike.peak_e if label else None,
        "nuclide": strike.nuclide if label else None,
        "silicon": strike.silicon if label else None,
        "background_dn": round(float(_around(shot.blank_grey, x, y).mean()), 1),
        "motion_dn": round(float(moved.mean()), 2),
        "spike_dn": int(current[y, x]) - int(max(shot.previous[y, x], shot.following[y, x])),
        "place": place.kind,
        "proposed": proposal is not None,
        "blotch": any(_in_window(one, origin, crop_size) for one in shot.blotches),
        "trait": studio.scene.trait,
        "jpeg_quality": studio.jpeg_quality,
        "fusion": studio.fusion,
        "way": studio.way,
        "nuisance": studio.nuisance.name if studio.nuisance else None,
    }
    return Samples(
        greys[None],
        cut(bgr, origin, crop_size)[None],
        np.array([[x - origin[0], y - origin[1]]], np.int16),
        np.array([label], np.uint8),
        (strata,),
    )


def _stratum(added_dn: float) -> str:
    if added_dn < 25:
        return "faint"
    return "visible" if added_dn < 40 else "bright"


def _hit_at(
    place: Place, studio: Studio, ground: NDArray[np.uint8], rng: Generator, *, bank: HitBank, mixture: Mixture
) -> Planned:
    """Choose a hit for a place, its brightest pixel there; beside the place where that holds a noise blotch."""
    x, y = place.x, place.y
    if place.kind == "blotch":
        turn, far = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(9, 14))
        x, y = round(x + far * np.cos(turn)), round(y + far * np.sin(turn))
    height, width = ground.shape
    x, y = min(max(x, 0), width - 1), min(max(y, 0), height - 1)
    shares = [share for share, _, _ in mixture.added_dn]
    _, low, high = mixture.added_dn[int(rng.choice(len(shares), p=shares))]
    wanted = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    kind = bank.draw_kind(rng)
    charge = bank.choose(rng, kind, float(_around(ground, x, y).mean()), wanted, studio.white_e)
    peak_y, peak_x = (int(v) for v in np.unravel_index(int(charge.argmax()), charge.shape))
    return Planned(x - peak_x, y - peak_y, charge, kind.nuclide, kind.silicon)


def _blotch(place: Place, studio: Studio, rng: Generator) -> Planned:
    """Let one pixel flash by electronic noise: a telegraph step or the tail of its dark current, in one pixel only."""
    step_e = studio.camera.read_noise_e * 4 + float(rng.exponential(studio.camera.telegraph_e))
    return Planned(place.x, place.y, np.array([[min(step_e, 600.0)]], np.float32))


def _random_places(rng: Generator, size: int, crop_size: int, count: int, kind: str) -> list[Place]:
    """Draw places, most of them as far from the border as most of a full picture's are."""
    margin = crop_size // 2 if rng.random() < 0.85 else 2
    return [Place(int(x), int(y), kind) for x, y in rng.integers(margin, size - margin, (count, 2))]


def _candidate_places(candidates: Sequence[Candidate], rng: Generator, count: int) -> list[Place]:
    chosen = rng.permutation(len(candidates))[:count]
    return [Place(candidates[int(i)].x, candidates[int(i)].y, "candidate") for i in chosen]


def _moving_places(
    previous: NDArray[np.uint8], following: NDArray[np.uint8], rng: Generator, count: int
) -> list[Place]:
    """Draw places where the ground moves strongly, fewer where little does."""
    around = 2 * _REACH + 1
    motion = cv2.blur(cv2.absdiff(previous, following), (around, around))
    rows, columns = np.divmod(np.flatnonzero(motion > STRONG_MOTION_DN), motion.shape[1])
    if len(rows) < 20 * count:
        return []
    return [Place(int(columns[i]), int(rows[i]), "moving") for i in rng.integers(len(rows), size=count)]


def _apart(places: Sequence[Place], spacing: int, ground: NDArray[np.uint8]) -> list[Place]:
    """Keep places at least `spacing` from one another, on ground that is not white."""
    kept: list[Place] = []
    for place in places:
        near = any(abs(place.x - one.x) < spacing and abs(place.y - one.y) < spacing for one in kept)
        if not near and float(_around(ground, place.x, place.y).mean()) < _BRIGHTEST_GROUND_DN:
            kept.append(place)
    return kept


def _near(
    candidates: Sequence[Candidate], target: tuple[int, int], box: tuple[int, int, int, int] | None
) -> tuple[int, int] | None:
    """Find the candidate at the target, or in a hit's box, with two pixels to spare; the highest spike of several."""
    x0, y0, x1, y1 = box if box is not None else (*target, *target)
    near = [one for one in candidates if x0 - 2 <= one.x <= x1 + 2 and y0 - 2 <= one.y <= y1 + 2]
    if not near:
        return None
    best = max(near, key=lambda one: one.spike_dn)
    return best.x, best.y


def _in_window(point: tuple[int, int], origin: tuple[int, int], crop_size: int) -> bool:
    return all(low <= value < low + crop_size for value, low in zip(point, origin, strict=True))


def _around(grey: NDArray[np.uint8], x: int, y: int) -> NDArray[np.uint8]:
    return grey[max(0, y - _REACH) : y + _REACH + 1, max(0, x - _REACH) : x + _REACH + 1]
