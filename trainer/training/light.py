"""The fit of the networks that tell light from ionisation: see `edge.detect.light` and `edge.detect.faint`."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge.capture.frame import triples
from edge.capture.source import open_source
from edge.detect.detector import Detector
from edge.detect.faint import MIN_MARGIN, SURE_ODDS, FaintNetworks
from edge.detect.faint import NAMES as FAINT_NAMES
from edge.detect.light import NAMES, LightNetwork, standardised
from edge.detect.nuisance import LIKE_LIGHT_ODDS, Surroundings, look_at
from edge.detect.spot import merge_hits
from edge.truth import read_truth
from trainer.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.random import Generator
    from numpy.typing import NDArray

    from edge.capture.frame import Triple
    from edge.detect.decision import Decision
    from edge.detect.hit import Hit
    from edge.detect.manifest import Bundle
    from edge.truth import TrueHit

    Values = NDArray[np.float32]

_NEAR_PX = 4
_MANY, _POWER = 400, 0.6
"""A clip with more hits of a kind counts for no more than one with so many, and by this power of their number."""
_MANY_FAINT, _POWER_FAINT = 4000, 1.0
"""The same for faint hits, of which the false ones are the more, the worse a nuisance is."""
_HIDDEN, _HIDDEN_FAINT, _NETWORKS_FAINT = (16,), (32, 16), 8
_STEPS, _STEPS_FAINT, _BATCH, _RATE, _DECAY = 3000, 5000, 256, 3e-3, 3e-4
_FORGET, _FORGET_SQUARE = 0.9, 0.999


@dataclass(frozen=True, slots=True, eq=False)
class DescribedHits:
    """Spots on live ground that are hits to a detector, or that its classifier refuses by little.

    Attributes
    ----------
    described : float32 array, shape (n, 37)
        See `edge.detect.faint`.
    true : bool array, shape (n,)
        Whether a true hit lies there.
    clip : int64 array, shape (n,)
        Number of the clip from which each comes.
    found : bool array, shape (n,)
        Whether the detector takes it for a hit.

    """

    described: Values
    true: NDArray[np.bool_]
    clip: NDArray[np.int64]
    found: NDArray[np.bool_]

    def only_found(self) -> DescribedHits:
        """Return the detector's hits, as `edge.detect.light` describes them."""
        found = self.found
        return DescribedHits(self.described[found, : len(NAMES)], self.true[found], self.clip[found], found[found])

    def from_clip(self, number: int) -> DescribedHits:
        """Return those of the clips from this one on."""
        chosen = self.clip >= number
        return DescribedHits(self.described[chosen], self.true[chosen], self.clip[chosen], self.found[chosen])


def gather_hits(
    clips: Sequence[Path], bundle: Bundle, *, exposure_s: float, progress: Callable[[int], None] = lambda _: None
) -> DescribedHits:
    """Find the hits of clips whose truth lies beside them, and what the classifier refuses by little; describe them.

    Raises
    ------
    DatasetError
        The clips hold no true hits, or no false ones.

    """
    parts = []
    for number, clip in enumerate(clips):
        parts.append(hits_of_clip(clip, bundle, number, exposure_s=exposure_s))
        progress(number + 1)
    hits = DescribedHits(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in ("described", "true", "clip", "found"))
    )
    if hits.true.all() or not hits.true.any():
        raise DatasetError(clips[0].parent, "its clips need true hits and false ones", "film more")
    return hits


def hits_of_clip(clip: Path, bundle: Bundle, number: int, *, exposure_s: float) -> DescribedHits:
    """Return the hits of one clip, which may be none."""
    truth = _by_frame(read_truth(clip.with_suffix(".jsonl")))
    detector, decision = Detector(bundle), bundle.manifest.decision
    described, true = [np.empty((0, len(FAINT_NAMES)), np.float32)], [np.empty(0, bool)]
    found = [np.empty(0, bool)]
    with open_source(clip, exposure_s=exposure_s) as source:
        for triple in triples(source):
            around, spots = _spots_of(detector, decision, triple)
            if spots:
                look = look_at(spots, around)
                described.append(look.described[look.coloured])
                true.append(_are_true(spots, truth.get(triple.current.sequence, ()))[look.coloured])
                found.append(np.array([spot.score >= decision.threshold for spot in spots])[look.coloured])
    all_true = np.concatenate(true)
    return DescribedHits(np.concatenate(described), all_true, np.full(len(all_true), number), np.concatenate(found))


def _spots_of(detector: Detector, decision: Decision, triple: Triple) -> tuple[Surroundings, tuple[Hit, ...]]:
    """Return the spots of a frame on live ground that are hits or nearly so, and their surroundings."""
    judged = detector.judge(detector.propose(triple))
    proposal = judged.proposal
    view, found, camera = proposal.view, proposal.found, proposal.camera
    around = Surroundings(view, tuple(camera.older), proposal.noise, len(found.candidates))
    detector.decide(judged)
    scores = decision.scores(judged.margins, camera.crowd).tolist()
    scored = zip(judged.asked.candidates, scores, judged.margins.tolist(), strict=True)
    chosen = [(candidate, score) for candidate, score, margin in scored if margin >= MIN_MARGIN]
    return around, tuple(spot for spot in merge_hits(chosen, view.greys, found) if spot.live)


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
    mean, scale, inputs = _normalised(hits)
    weights, rng = sample_weights(hits, _MANY, _POWER), np.random.default_rng(seed)
    layers = _fitted(inputs, hits.true, weights, hidden=_HIDDEN, steps=_STEPS, rng=rng)
    (hidden, hidden_bias), (output, bias) = layers
    return LightNetwork(mean, scale, hidden, hidden_bias, output[:, 0], float(bias[0]))


def fit_faint(hits: DescribedHits, seed: int = 1, networks: int = _NETWORKS_FAINT) -> FaintNetworks:
    """Fit the networks of `edge.detect.faint` in the same way, each from another start."""
    mean, scale, inputs = _normalised(hits)
    weights = sample_weights(hits, _MANY_FAINT, _POWER_FAINT)
    fitted = [
        _fitted(
            inputs,
            hits.true,
            weights,
            hidden=_HIDDEN_FAINT,
            steps=_STEPS_FAINT,
            rng=np.random.default_rng([seed, number]),
        )
        for number in range(networks)
    ]
    layers = tuple(
        (np.stack([weights for weights, _ in layer]), np.stack([bias for _, bias in layer]))
        for layer in zip(*fitted, strict=True)
    )
    return FaintNetworks(mean, scale, layers)


def _normalised(hits: DescribedHits) -> tuple[Values, Values, Values]:
    mean, scale = hits.described.mean(axis=0), hits.described.std(axis=0) + np.float32(1e-3)
    return mean, scale, standardised(hits.described, mean, scale).astype(np.float32)


def sample_weights(hits: DescribedHits, many: int, power: float) -> NDArray[np.float64]:
    """Return the weight of each hit: clips of many hits do not outweigh the others, true and false ones half each.

    A clip with more than `many` hits of a kind counts as one with so many, and by a power of their number.
    """
    weights = np.zeros(len(hits.true))
    for kind in (True, False):
        of_kind = hits.true == kind
        for number in np.unique(hits.clip[of_kind]):
            chosen = of_kind & (hits.clip == number)
            count = int(np.count_nonzero(chosen))
            weights[chosen] = min(count, many) ** power / count
        weights[of_kind] /= 2 * weights[of_kind].sum()
    return weights


def _fitted(
    inputs: Values,
    true: NDArray[np.bool_],
    chances: NDArray[np.float64],
    *,
    hidden: tuple[int, ...],
    steps: int,
    rng: Generator,
) -> list[tuple[Values, Values]]:
    """Return the layers of one network, (weights, bias), the output last."""
    sizes = [inputs.shape[1], *hidden, 1]
    wanted, up_to = true.astype(np.float32), np.cumsum(chances) / np.sum(chances)
    layers: list[Values] = []
    for wide, narrow in itertools.pairwise(sizes):
        scale = np.sqrt(2 / wide) * (0.1 if narrow == 1 else 1)
        layers += [rng.normal(0, scale, (wide, narrow)).astype(np.float32), np.zeros(narrow, np.float32)]
    first, second = ([np.zeros_like(layer) for layer in layers] for _ in range(2))
    for step in range(steps):
        chosen = np.minimum(np.searchsorted(up_to, rng.random(_BATCH)), len(inputs) - 1)
        rate = _RATE * (1 + np.cos(np.pi * step / steps)) / 2
        for i, slope in enumerate(_slopes(inputs[chosen], wanted[chosen], layers)):
            first[i] = _FORGET * first[i] + (1 - _FORGET) * slope
            second[i] = _FORGET_SQUARE * second[i] + (1 - _FORGET_SQUARE) * slope**2
            mean = first[i] / (1 - _FORGET ** (step + 1))
            spread = np.sqrt(second[i] / (1 - _FORGET_SQUARE ** (step + 1))) + 1e-8
            layers[i] = (layers[i] - rate * mean / spread).astype(np.float32)
    return list(zip(layers[::2], layers[1::2], strict=True))


def _slopes(inputs: Values, wanted: Values, layers: list[Values]) -> list[Values]:
    """Return the slopes of the logarithmic loss, with the decay of the weights."""
    active = [inputs]
    for weights, bias in zip(layers[:-2:2], layers[1:-2:2], strict=True):
        active.append(np.maximum(active[-1] @ weights + bias, 0))
    odds = (active[-1] @ layers[-2] + layers[-1])[:, 0]
    back = ((1 / (1 + np.exp(-np.clip(odds, -30, 30))) - wanted) / np.float32(len(wanted)))[:, None]
    slopes: list[Values] = []
    for i in range(len(active) - 1, -1, -1):
        weights = layers[2 * i]
        slopes = [active[i].T @ back + _DECAY * weights, back.sum(axis=0), *slopes]
        back = (back @ weights.T) * (active[i] > 0)
    return slopes


def as_json(network: LightNetwork, command: str) -> str:
    """Return the network as `edge/detect/light.json` holds it."""
    rounded = {name: _rounded(getattr(network, name)) for name in ("mean", "scale", "hidden", "hidden_bias", "output")}
    return json.dumps({"names": NAMES, "command": command, **rounded, "bias": round(network.bias, 5)}) + "\n"


def faint_as_json(networks: FaintNetworks, command: str) -> str:
    """Return the networks as `edge/detect/faint.json` holds them."""
    stored = {
        "names": FAINT_NAMES,
        "command": command,
        "mean": _rounded(networks.mean),
        "scale": _rounded(networks.scale),
        "layers": [{"weights": _rounded(weights), "bias": _rounded(bias)} for weights, bias in networks.layers],
    }
    return json.dumps(stored) + "\n"


def _rounded(values: Values) -> list[object]:
    rounded: list[object] = np.round(values.astype(float), 5).tolist()
    return rounded


def passing_shares(
    light: LightNetwork, faint: FaintNetworks, hits: DescribedHits
) -> list[tuple[str, float, float, float]]:
    """Return a name, a limit of log odds, and the shares of true and of false hits that reach it, for each limit."""
    found = hits.only_found()
    of_hits, of_all = light.log_odds(found.described), faint.log_odds(hits.described)
    return [
        ("hits that do not look like light", LIKE_LIGHT_ODDS, *_shares(of_hits >= LIKE_LIGHT_ODDS, found.true)),
        ("sure hits", SURE_ODDS, *_shares(of_all[hits.found] >= SURE_ODDS, found.true)),
        (
            "faint hits of refused candidates",
            SURE_ODDS,
            *_shares(of_all[~hits.found] >= SURE_ODDS, hits.true[~hits.found]),
        ),
    ]


def _shares(passing: NDArray[np.bool_], true: NDArray[np.bool_]) -> tuple[float, float]:
    return float(np.mean(passing[true])) if true.any() else 0.0, float(
        np.mean(passing[~true])
    ) if not true.all() else 0.0
