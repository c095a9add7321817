"""From shots to samples: places of candidates and random ones, a hit at each, and a coin for the label of each place.

Every place of a shot is struck by a hit in a second version of the middle frame; a coin then decides whether the sample
is cut from the version with hits (label 1) or from the one without (label 0). So nothing but the hit can tell the
labels apart: places, scenes, cameras, noise and blotches are the same for both.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from edge.detect.crops import cut, window_origin
from edge.detect.fast_path import find_candidates
from edge.detect.noise_map import noise_of_pair
from trainer.data.dataset import Samples, Strata
from trainer.data.places import (
    SMALL_CROP,
    Mixture,
    Place,
    around,
    blotch_at,
    choose_places,
    hit_at,
    in_groups,
    random_places,
)
from trainer.data.shots import Strike, ThreeFrames, decode_colour, decode_grey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from edge.detect.hit import Candidate
    from edge.detect.manifest import CandidateRules
    from trainer.data.hits import HitBank
    from trainer.data.triples import SceneTriple
    from trainer.filming.studio import Studio

MIN_ADDED_DN = 6.0
"""A hit that adds less is no sample: it cannot be seen in 8 bits."""
MIN_KEPT_DN = 4.0
"""Nor one of which JPEG left less than this."""
_JITTER_PX = 2
_VERSIONS_OF_LARGE = 7  # of large crops few fit beside each other in one version of a picture


@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """The middle frame once more, with a hit at each of some places: decoded grey (h, w) and colours, uint8.

    `following` is the grey of the next frame, with the afterglow of these hits where there is one.
    """

    grey: NDArray[np.uint8] = field(repr=False)
    bgr: NDArray[np.uint8] = field(repr=False)
    following: NDArray[np.uint8] = field(repr=False)
    places: tuple[Place, ...]
    strikes: tuple[Strike, ...]
    candidates: tuple[Candidate, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """The decoded pictures of a studio: greys (h, w) and colours (h, w, 3), uint8, and what struck where."""

    previous: NDArray[np.uint8] = field(repr=False)
    following: NDArray[np.uint8] = field(repr=False)
    grey: NDArray[np.uint8] = field(repr=False)
    bgr: NDArray[np.uint8] = field(repr=False)
    candidates: tuple[Candidate, ...] = field(repr=False)
    blotches: tuple[tuple[int, int], ...]
    versions: tuple[Version, ...]


def take_shot(
    studio: Studio,
    scene: SceneTriple,
    rng: Generator,
    *,
    crop_size: int,
    bank: HitBank,
    mixture: Mixture,
    rules: CandidateRules,
) -> Shot:
    """Take the three pictures, find places in them, and take the middle one again with a hit at each place.

    Raises
    ------
    Undecodable
        A nuisance destroyed a frame.

    """
    size = scene.levels[0].shape[0]
    blotch_count = round(mixture.places_a_shot * mixture.blotch_share)
    blotch_places = random_places(rng, size, crop_size, blotch_count, "blotch")
    blotches = [blotch_at(place, studio, rng) for place in blotch_places]
    frames = ThreeFrames.take(studio, scene, blotches)
    previous, grey, following = frames.previous, decode_grey(frames.content), frames.following
    noise = noise_of_pair(previous, following, rules, None)  # once for all versions of the middle frame
    candidates = find_candidates((previous, grey, following), rules, noise).candidates
    places = choose_places(
        (previous, grey, following), candidates, blotch_places, rng, mixture=mixture, crop_size=crop_size
    )
    versions = []
    for group in in_groups(places, max(24, crop_size // 2 + 8), 1 if crop_size <= SMALL_CROP else _VERSIONS_OF_LARGE):
        hits = [hit_at(place, studio, grey, rng, bank=bank, mixture=mixture) for place in group]
        struck = frames.struck(hits, grey)
        glowing = struck.following is not following
        own_noise = noise_of_pair(previous, struck.following, rules, None) if glowing else noise
        proposed = find_candidates((previous, struck.grey, struck.following), rules, own_noise).candidates
        versions.append(Version(struck.grey, struck.bgr, struck.following, tuple(group), struck.strikes, proposed))
    return Shot(
        previous,
        following,
        grey,
        decode_colour(frames.content),
        candidates,
        tuple((blotch.x0, blotch.y0) for blotch in blotches),
        tuple(versions),
    )


def samples_of(shot: Shot, common: Strata, crop_size: int, rng: Generator) -> Samples:
    """Cut the samples of a shot, each with the strata that all have in common; the coins for labels come from `rng`."""
    parts: list[Samples] = []
    struck_dn: list[float] = []
    for version in shot.versions:
        for place, strike in zip(version.places, version.strikes, strict=True):
            hit = strike if rng.random() < 0.5 else None
            jitter = rng.integers(-_JITTER_PX, _JITTER_PX + 1, 2)
            beside = place.kind == "blotch" and rng.random() < 0.5
            if strike.added_dn < MIN_ADDED_DN or strike.kept_dn < MIN_KEPT_DN:
                continue  # for both labels: what hits cannot be seen on must not tell them apart
            # A blotch beside the middle must not mean a hit: half of label 0 has it beside the middle, too.
            where = Place(strike.x, strike.y, "beside blotch") if beside else place
            parts.append(_sample(shot, version if hit else None, where, hit, jitter=jitter, crop_size=crop_size))
            struck_dn.append(strike.added_dn)
    crops = Samples.joined(parts, crop_size)
    strata = zip(crops.strata, struck_dn, strict=True)
    return replace(crops, strata=tuple({**common, **own, "struck_dn": added_dn} for own, added_dn in strata))


def _sample(
    shot: Shot,
    version: Version | None,
    place: Place,
    hit: Strike | None,
    *,
    jitter: NDArray[np.int64],
    crop_size: int,
) -> Samples:
    """Cut one sample: around a hit out of its version, or around a place out of the picture without hits."""
    source = shot if version is None else version
    current, bgr, following, candidates = source.grey, source.bgr, source.following, source.candidates
    target = (hit.x, hit.y) if hit else (place.x, place.y)
    proposal = _near(candidates, hit.box if hit else (*target, *target))
    x, y = proposal or target
    height, width = current.shape
    centre_x, centre_y = (int(v) for v in np.clip((x + jitter[0], y + jitter[1]), 0, (width - 1, height - 1)))
    origin = window_origin(centre_x, centre_y, crop_size, width, height)
    greys = cv2.merge([cut(grey, origin, crop_size) for grey in (shot.previous, current, following)])
    struck = version.strikes if version else ()
    strikes = [strike for strike in struck if _in_window((strike.x, strike.y), origin, crop_size)]
    blotches = [blotch for blotch in shot.blotches if _in_window(blotch, origin, crop_size)]
    moved = cv2.absdiff(around(shot.previous, x, y), around(shot.following, x, y))
    strata: Strata = {
        "added_dn": hit.added_dn if hit else None,
        "stratum": stratum_of(hit.added_dn) if hit else "negative",
        "hits": [_hit_stratum(strike, origin) for strike in strikes],
        "pixels": hit.pixels if hit else None,
        "peak_e": hit.peak_e if hit else None,
        "nuclide": hit.nuclide if hit else None,
        "silicon": hit.silicon if hit else None,
        "background_dn": round(float(around(shot.grey, x, y).mean()), 1),
        "motion_dn": round(float(moved.mean()), 2),
        "spike_dn": int(current[y, x]) - int(max(shot.previous[y, x], following[y, x])),
        "place": place.kind,
        "proposed": proposal is not None,
        "blotch": bool(blotches),
        "blotches": [[bx - origin[0], by - origin[1]] for bx, by in blotches],
    }
    return Samples(
        greys[None],
        cut(bgr, origin, crop_size)[None],
        np.array([[x - origin[0], y - origin[1]]], np.int16),
        np.array([int(hit is not None)], np.uint8),
        (strata,),
    )


def _hit_stratum(strike: Strike, origin: tuple[int, int]) -> dict[str, Any]:
    """Describe a hit within its crop: brightest pixel, what it adds, the box of its charge."""
    (x0, y0), box = origin, strike.box
    inside = [box[0] - x0, box[1] - y0, box[2] - x0, box[3] - y0]
    return {"x": strike.x - x0, "y": strike.y - y0, "added_dn": strike.added_dn, "box": inside}


def cut_samples(
    greys: tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]],
    bgr: NDArray[np.uint8],
    spots: Sequence[tuple[int, int]],
    *,
    labels: Sequence[int],
    strata: Sequence[Strata],
    crop_size: int,
) -> Samples:
    """Cut a sample around each spot, as the agent cuts its crops.

    Parameters
    ----------
    greys : tuple of three uint8 arrays, shape (height, width)
        Previous, current and next frame.
    bgr : uint8 array, shape (height, width, 3)
        The current frame in colour.
    spots : sequence of (x, y)
    labels, strata : sequences
        Label and strata of each spot.
    crop_size : int

    """
    if not spots:
        return Samples.joined([], crop_size)
    height, width = greys[1].shape
    origins = [window_origin(x, y, crop_size, width, height) for x, y in spots]
    return Samples(
        np.array([np.stack([cut(grey, origin, crop_size) for grey in greys], -1) for origin in origins]),
        np.array([cut(bgr, origin, crop_size) for origin in origins]),
        np.array([(x - x0, y - y0) for (x, y), (x0, y0) in zip(spots, origins, strict=True)], np.int16),
        np.array(labels, np.uint8),
        tuple(strata),
    )


def stratum_of(added_dn: float) -> str:
    """Name what a hit adds: "faint" below 25 grey levels, "visible" below 40, "bright" from there on."""
    if added_dn < 25:
        return "faint"
    return "visible" if added_dn < 40 else "bright"


def _near(candidates: Sequence[Candidate], box: tuple[int, int, int, int]) -> tuple[int, int] | None:
    """Find the candidate in a box, with two pixels to spare; the highest spike of several."""
    x0, y0, x1, y1 = box
    near = [spot for spot in candidates if x0 - 2 <= spot.x <= x1 + 2 and y0 - 2 <= spot.y <= y1 + 2]
    if not near:
        return None
    best = max(near, key=lambda spot: spot.spike_dn)
    return best.x, best.y


def _in_window(point: tuple[int, int], origin: tuple[int, int], crop_size: int) -> bool:
    return all(low <= value < low + crop_size for value, low in zip(point, origin, strict=True))
