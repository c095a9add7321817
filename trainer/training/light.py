"""The fit of the network that tells light from ionisation: see `edge.detect.light`."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge.capture.source import open_source
from edge.detect.detector import Detector
from edge.detect.light import NAMES, LightNetwork
from edge.detect.nuisance import LIKE_LIGHT_ODDS, SURE_ODDS, describe_hits
from edge.detect.view import FrameCache
from edge.pipeline import analysed_frames
from edge.truth import read_truth
from trainer.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.random import Generator
    from numpy.typing import NDArray

    from edge.capture.frame import Image
    from edge.detect.hit import Hit
    from edge.detect.manifest import Bundle
    from edge.truth import TrueHit

    Values = NDArray[np.float32]

_NEAR_PX = 4
_OLDER = 2
_MANY, _POWER = 400, 0.6
"""A clip with more hits of a kind counts for no more than one with so many, and by this power of their number."""
_HIDDEN, _STEPS, _BATCH, _RATE, _DECAY = 16, 3000, 256, 3e-3, 3e-4
_FORGET, _FORGET_SQUARE = 0.9, 0.999


@dataclass(frozen=True, slots=True, eq=False)
class DescribedHits:
    """Hits that a detector found on live ground, described by numbers.

    Attributes
    ----------
    described : float32 array, shape (n, 33)
    true : bool array, shape (n,)
        Whether a true hit lies there.
    clip : int64 array, shape (n,)
        Number of the clip from which each comes.

    """

    described: Values
    true: NDArray[np.bool_]
    clip: NDArray[np.int64]


def gather_hits(
    clips: Sequence[Path], bundle: Bundle, *, exposure_s: float, progress: Callable[[int], None] = lambda _: None
) -> DescribedHits:
    """Find the hits of clips whose truth lies beside them, and describe them.

    Raises
    ------
    DatasetError
        The clips hold no true hits, or no false ones.

    """
    described: list[Values] = []
    true: list[NDArray[np.bool_]] = []
    numbers: list[int] = []
    for number, clip in enumerate(clips):
        truth = _by_frame(read_truth(clip.with_suffix(".jsonl")))
        older: deque[Image] = deque(maxlen=_OLDER)
        cache = FrameCache(None)
        with open_source(clip, exposure_s=exposure_s) as source:
            for analysed in analysed_frames(source, Detector(bundle)):
                view = cache.masked(analysed.triple)
                hits = [hit for hit in analysed.detection.hits if hit.live]
                if hits:
                    of_frame, coloured = describe_hits(hits, view, older)
                    described.append(of_frame[coloured])
                    true.append(_are_true(hits, truth.get(analysed.frame.sequence, ()))[coloured])
                    numbers += [number] * int(np.count_nonzero(coloured))
                older.append(view.greys[0])
        progress(number + 1)
    if not true or np.concatenate(true).all() or not np.concatenate(true).any():
        raise DatasetError(clips[0].parent, "its clips need true hits and false ones", "film more")
    return DescribedHits(np.concatenate(described), np.concatenate(true), np.array(numbers))


def _by_frame(hits: Sequence[TrueHit]) -> dict[int, list[TrueHit]]:
    frames: dict[int, list[TrueHit]] = {}
    for hit in hits:
        frames.setdefault(hit.frame, []).append(hit)
    return frames


def _are_true(hits: Sequence[Hit], truth: Sequence[TrueHit]) -> NDArray[np.bool_]:
    return np.array(
        [any(abs(hit.x - each.x) <= _NEAR_PX and abs(hit.y - each.y) <= _NEAR_PX for each in truth) for hit in hits]
    )


def fit_light(hits: DescribedHits, seed: int = 1) -> LightNetwork:
    """Fit a network of one hidden layer to hits by Adam (Kingma & Ba 2015), on true and false ones of equal weight."""
    rng = np.random.default_rng(seed)
    mean, scale = hits.described.mean(axis=0), hits.described.std(axis=0) + np.float32(1e-3)
    inputs = np.clip((hits.described - mean) / scale, -4, 4).astype(np.float32)
    layers = _fitted(inputs, hits.true.astype(np.float32), sample_weights(hits), rng)
    return LightNetwork(mean, scale, layers[0], layers[1], layers[2], float(layers[3][0]))


def sample_weights(hits: DescribedHits) -> NDArray[np.float64]:
    """Return the weight of each hit: clips of many hits do not outweigh the others, true and false ones half each."""
    weights = np.zeros(len(hits.true))
    for kind in (True, False):
        of_kind = hits.true == kind
        for number in np.unique(hits.clip[of_kind]):
            chosen = of_kind & (hits.clip == number)
            count = int(np.count_nonzero(chosen))
            weights[chosen] = min(count, _MANY) ** _POWER / count
        weights[of_kind] /= 2 * weights[of_kind].sum()
    return weights


def _fitted(inputs: Values, wanted: Values, chances: NDArray[np.float64], rng: Generator) -> list[Values]:
    width = inputs.shape[1]
    layers = [
        rng.normal(0, np.sqrt(2 / width), (width, _HIDDEN)).astype(np.float32),
        np.zeros(_HIDDEN, np.float32),
        rng.normal(0, 0.1 * np.sqrt(2 / _HIDDEN), _HIDDEN).astype(np.float32),
        np.zeros(1, np.float32),
    ]
    first, second = ([np.zeros_like(layer) for layer in layers] for _ in range(2))
    for step in range(_STEPS):
        chosen = rng.choice(len(inputs), _BATCH, p=chances)
        rate = _RATE * (1 + np.cos(np.pi * step / _STEPS)) / 2
        for i, slope in enumerate(_slopes(inputs[chosen], wanted[chosen], layers)):
            first[i] = _FORGET * first[i] + (1 - _FORGET) * slope
            second[i] = _FORGET_SQUARE * second[i] + (1 - _FORGET_SQUARE) * slope**2
            mean = first[i] / (1 - _FORGET ** (step + 1))
            spread = np.sqrt(second[i] / (1 - _FORGET_SQUARE ** (step + 1))) + 1e-8
            layers[i] = (layers[i] - rate * mean / spread).astype(np.float32)
    return layers


def _slopes(inputs: Values, wanted: Values, layers: list[Values]) -> list[Values]:
    """Return the slopes of the logarithmic loss, with the decay of the weights."""
    hidden, hidden_bias, output, bias = layers
    active = np.maximum(inputs @ hidden + hidden_bias, 0)
    chance = 1 / (1 + np.exp(-np.clip(active @ output + bias, -30, 30)))
    error = (chance - wanted) / len(wanted)
    back = np.outer(error, output) * (active > 0)
    return [
        inputs.T @ back + _DECAY * hidden,
        back.sum(axis=0),
        active.T @ error + _DECAY * output,
        error.sum(keepdims=True),
    ]


def as_json(network: LightNetwork, command: str) -> str:
    """Return the network as `edge/detect/light.json` holds it."""
    rounded = {
        name: np.round(getattr(network, name).astype(float), 5).tolist()
        for name in ("mean", "scale", "hidden", "hidden_bias", "output")
    }
    return json.dumps({"names": NAMES, "command": command, **rounded, "bias": round(network.bias, 5)}) + "\n"


def passing_shares(network: LightNetwork, hits: DescribedHits) -> list[tuple[float, float, float]]:
    """Return for each limit of `edge.detect.nuisance` the shares of true and of false hits that reach it."""
    odds = network.log_odds(hits.described)
    return [
        (limit, float((odds[hits.true] >= limit).mean()), float((odds[~hits.true] >= limit).mean()))
        for limit in (LIKE_LIGHT_ODDS, SURE_ODDS)
    ]
