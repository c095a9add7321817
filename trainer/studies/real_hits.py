"""Real hits beside simulated ones: the same places of real footage, struck by each in turn, and what networks find.

Both are pictures of hits in the dark, added in linear light to the middle one of three frames of footage that no
network was trained on; noise, JPEG and the two other frames are the same for both. The simulated one of a pair adds
about as many grey levels as the real one. What the fast path proposes without hits are the negatives.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from edge.detect.fast_path import find_candidates
from edge.detect.manifest import CandidateRules
from edge.detect.noise_map import noise_of_pair
from trainer.data.crops import cut_samples
from trainer.data.dataset import Samples
from trainer.data.shots import decode_colour, decode_grey
from trainer.filming.exposure import PictureFrame, whole_picture
from trainer.filming.fusion import fuse_light
from trainer.filming.picture_noise import PictureNoise
from trainer.filming.studio import Studio
from trainer.scenes.footage import read_run
from trainer.sensor.camera import OV2710, change
from trainer.sensor.isp import GREY_OF_BGR
from trainer.studies.hit_pictures import trimmed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from edge.detect.hit import Candidate
    from edge.detect.noise_map import NoiseMap
    from trainer.data.dataset import Strata
    from trainer.scenes.footage import Footage
    from trainer.studies.hit_pictures import HitPictures

    Greys = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]

_SPACING_PX = 48
_BORDER_PX = 24
_NEAR_PX = 2
MIN_ADDED_DN = 6.0
"""As in the datasets: a hit that adds less cannot be seen in 8 bits."""
MAX_UNLIKE = 0.15
"""A pair whose (added + 1) differ by a greater share is left out: on bright ground no simulated hit may be like it."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Settings of the pairs.

    Attributes
    ----------
    triples : int
        Number of triples (three frames in a row), spread evenly over all footage.
    places : int
        Most places of each triple that a hit is put on.
    crop_size : int
        Side in pixels of the crops that are kept for the networks.
    same_size : bool
        Whether the simulated hits are chosen by size as well.
    noise_dn, shot_dn, chroma : float
        Compressed footage has lost its noise and gets new: see `trainer.filming.picture_noise`.
    jpeg_quality, seed : int

    """

    triples: int = 250
    places: int = 14
    crop_size: int = 64
    same_size: bool = False
    noise_dn: float = 2.0
    shot_dn: float = 0.02
    chroma: float = 0.5
    jpeg_quality: int = 90
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Strike:
    """A hit at its place: box x0, y0, x1, y1 (last ones included), grey levels it adds, pixels it raises by over 8."""

    box: tuple[int, int, int, int]
    added_dn: float
    pixels: int


@dataclass(frozen=True, slots=True)
class Pair:
    """A place struck by a real and by a simulated hit; the rows are in `Struck.samples`, None: not proposed."""

    real: Strike
    simulated: Strike
    real_row: int | None
    simulated_row: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Struck:
    """All candidates of the footage without hits (label 0) and those of the hits (label 1), and the pairs."""

    samples: Samples = field(repr=False)
    pairs: tuple[Pair, ...] = field(repr=False)
    frames: int
    unlike: int


def strike_footage(footage: Sequence[Footage], real: HitPictures, simulated: HitPictures, setting: Setting) -> Struck:
    """Strike footage with real and with simulated hits at the same places.

    Parameters
    ----------
    footage : sequence of Footage
        Recordings of scenes without a source.
    real, simulated : HitPictures
    setting : Setting

    """
    parts: list[Samples] = []
    pairs: list[Pair] = []
    rows = unlike = frames = 0
    for number, levels in enumerate(_triples(footage, setting.triples)):
        triple = _Triple.of(levels, setting, np.random.default_rng([setting.seed, number]))
        samples, own_pairs, own_unlike = triple.struck(real, simulated)
        parts.append(samples)
        for pair in own_pairs:
            first, second = (None if row is None else row + rows for row in (pair.real_row, pair.simulated_row))
            pairs.append(Pair(pair.real, pair.simulated, first, second))
        rows += len(samples)
        unlike += own_unlike
        frames += 1
    return Struck(Samples.joined(parts, setting.crop_size), tuple(pairs), frames, unlike)


def add_hit(levels: NDArray[np.float32], patch: NDArray[np.uint8], x: int, y: int, turn: int) -> Strike:
    """Add a picture of a hit to levels, float32 (h, w, 3), in linear light, its brightest pixel at (x, y)."""
    hit, peak_x, peak_y = trimmed(patch, turn)
    height, width = hit.shape[:2]
    x0, y0 = x - peak_x, y - peak_y
    window = (slice(y0, y0 + height), slice(x0, x0 + width))
    before = levels[window].copy()
    levels[window] = fuse_light(hit, before)
    rise = (levels[window] - before) @ GREY_OF_BGR
    box = (x0, y0, x0 + width - 1, y0 + height - 1)
    return Strike(box, float(rise.max()), int(np.count_nonzero(rise > 8)))


@dataclass(frozen=True, slots=True, eq=False)
class _Triple:
    """Three frames as an agent receives them, ready to take the middle one again with hits."""

    setting: Setting
    rng: Generator = field(repr=False)
    studio: Studio = field(repr=False)
    middle: PictureFrame = field(repr=False)
    greys: Greys = field(repr=False)
    bgr: NDArray[np.uint8] = field(repr=False)
    noise: NoiseMap = field(repr=False)

    @staticmethod
    def of(levels: Sequence[NDArray[np.float32]], setting: Setting, rng: Generator) -> _Triple:
        camera = change(OV2710, jpeg_quality=setting.jpeg_quality)
        picture_noise = PictureNoise(setting.noise_dn, setting.shot_dn, setting.chroma)
        studio = Studio(camera, "picture", lambda *_: rng, picture_noise=picture_noise)
        previous, following = (decode_grey(studio.send(studio.picture(levels[t], t), t)) for t in (0, 2))
        drawn = picture_noise.draw(levels[1].shape, rng)
        middle = PictureFrame(None, levels[1], picture_noise, drawn)
        grey, bgr = _decoded(studio, middle)
        noise = noise_of_pair(previous, following, CandidateRules(), None)
        return _Triple(setting, rng, studio, middle, (previous, grey, following), bgr, noise)

    def struck(self, real: HitPictures, simulated: HitPictures) -> tuple[Samples, list[Pair], int]:
        """Return samples of the candidates without hits and with each, the pairs, and the number of unlike ones."""
        parts = [self._samples(self._candidates(self.greys), self.greys, self.bgr, 0)]
        with_real, with_simulated = self.middle.levels.copy(), self.middle.levels.copy()
        strikes, unlike = [], 0
        for x, y in self._places():
            number = int(self.rng.integers(len(real)))
            first = add_hit(with_real, real.patches[number], x, y, int(self.rng.integers(8)))
            size = int(real.pixels[number]) if self.setting.same_size else None
            other = simulated.like(first.added_dn, self.middle.levels[y, x], self.rng, size)
            second = add_hit(with_simulated, other, x, y, int(self.rng.integers(8)))
            if first.added_dn < MIN_ADDED_DN:
                continue
            if abs(np.log((first.added_dn + 1) / (second.added_dn + 1))) > MAX_UNLIKE:
                unlike += 1
                continue
            strikes.append((first, second))
        rows = len(parts[0])
        rows_of_hits: list[list[int | None]] = []
        for which, levels in enumerate((with_real, with_simulated)):
            grey, bgr = _decoded(self.studio, replace(self.middle, levels=levels))
            greys = (self.greys[0], grey, self.greys[2])
            candidates = self._candidates(greys)
            hits = [_in_box(candidates, pair[which].box) for pair in strikes]
            proposed = [hit for hit in hits if hit is not None]
            parts.append(self._samples(proposed, greys, bgr, 1))
            numbers = iter(range(rows, rows + len(proposed)))
            rows_of_hits.append([None if hit is None else next(numbers) for hit in hits])
            rows += len(proposed)
        of_real, of_simulated = rows_of_hits
        pairs = [Pair(*both, row, other) for both, row, other in zip(strikes, of_real, of_simulated, strict=True)]
        return Samples.joined(parts, self.setting.crop_size), pairs, unlike

    def _places(self) -> list[tuple[int, int]]:
        """Draw places far enough from each other and from the border."""
        height, width = self.greys[1].shape
        tried = self.rng.integers((_BORDER_PX, _BORDER_PX), (width - _BORDER_PX, height - _BORDER_PX), (60, 2))
        places: list[tuple[int, int]] = []
        for x, y in tried.tolist():
            if len(places) == self.setting.places:
                break
            if all(max(abs(x - a), abs(y - b)) >= _SPACING_PX for a, b in places):
                places.append((x, y))
        return places

    def _candidates(self, greys: Greys) -> tuple[Candidate, ...]:
        return find_candidates(greys, CandidateRules(), self.noise).candidates

    def _samples(self, candidates: Sequence[Candidate], greys: Greys, bgr: NDArray[np.uint8], label: int) -> Samples:
        spots = [(candidate.x, candidate.y) for candidate in candidates]
        strata = [self._strata(candidate) for candidate in candidates]
        labels = [label] * len(spots)
        return cut_samples(greys, bgr, spots, labels=labels, strata=strata, crop_size=self.setting.crop_size)

    def _strata(self, candidate: Candidate) -> Strata:
        return {"motion_dn": candidate.motion_dn, "proposed": True}


def _decoded(studio: Studio, middle: PictureFrame) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the middle frame's grey and colours as the agent decodes them."""
    content = studio.send(whole_picture(middle), 1)
    return decode_grey(content), decode_colour(content)


def _in_box(candidates: Sequence[Candidate], box: tuple[int, int, int, int]) -> Candidate | None:
    """Find the candidate in a box with two pixels to spare; the highest spike of several."""
    x0, y0, x1, y1 = box
    x0, y0, x1, y1 = x0 - _NEAR_PX, y0 - _NEAR_PX, x1 + _NEAR_PX, y1 + _NEAR_PX
    near = [candidate for candidate in candidates if x0 <= candidate.x <= x1 and y0 <= candidate.y <= y1]
    return max(near, key=lambda candidate: candidate.spike_dn, default=None)


def _triples(footage: Sequence[Footage], count: int) -> Iterator[list[NDArray[np.float32]]]:
    """Read `count` times three frames in a row, evenly over the frames of all footage."""
    starts = [(recording, start) for recording in footage for start in range(recording.frames - 2)]
    for i in np.unique(np.linspace(0, len(starts) - 1, min(count, len(starts))).round().astype(int)).tolist():
        recording, start = starts[i]
        frames = read_run(recording, start, 3)
        if len(frames) == 3:
            yield [frame.astype(np.float32) for frame in frames]
