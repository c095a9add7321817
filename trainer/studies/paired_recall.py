"""Recall of real hits against that of simulated hits at one false-positive rate, compared in pairs."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.statistics import Z_95, threshold_at_fpr, wilson_interval
from edge.truth import VISIBLE_DN
from trainer.judging.cascade import joint_odds
from trainer.judging.evaluate import judge, without_nan
from trainer.training.batches import cut_crops

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge.detect.decision import Decision
    from trainer.data.dataset import Samples
    from trainer.studies.real_hits import Pair, Struck
    from trainer.training.run import Run

EDGES_DN = (6.0, 12.0, 25.0, 40.0, 60.0, 100.0, 256.0)
_KINDS = ("real", "simulated")


def margins(
    samples: Samples, classifier: Run, screen: Run | None, decisions: tuple[Decision, Decision] | None
) -> dict[str, NDArray[np.float64]]:
    """Return the margins of samples, shape (n,), by "classifier", and with a screen also by "screen" and "joint".

    "joint" are the log odds by which the agent decides. They need the `decisions` of screen and classifier.
    """
    found = {"classifier": _margin(samples, classifier)}
    if screen is not None and decisions is not None:
        found["screen"] = _margin(samples, screen)
        found["joint"] = joint_odds(found["screen"], found["classifier"], decisions)
    return found


def _margin(samples: Samples, run: Run) -> NDArray[np.float64]:
    contract = run.manifest.input
    return judge(run.load_model(), cut_crops(samples, contract), contract).margin


def compare_pairs(struck: Struck, margin: NDArray[np.float64], rate: float) -> dict[str, Any]:
    """Return recalls of real and simulated hits at one threshold, by the grey levels that the hits add.

    The threshold is the lowest that keeps to `rate` on the candidates without hits. A hit that the fast path does not
    propose is missed. Intervals are of 95 %: Wilson's for recalls, and the normal one for the mean difference in a pair
    (found 1, missed 0), which takes the pairs as independent.

    Returns
    -------
    dict
        threshold, target (the rate), false_positive_rate on these candidates, negatives, supported (at least 20 false
        positives expected), visible (pairs of at least VISIBLE_DN), bins.

    """
    negatives = margin[struck.samples.label == 0]
    threshold = threshold_at_fpr(negatives, rate)
    found = np.array([[_found(margin, row, threshold) for row in _rows(pair)] for pair in struck.pairs], bool)
    added = np.array([pair.real.added_dn for pair in struck.pairs])
    bins = [
        {"bin": f"{low:g} to {high:g}", **_row(struck.pairs, found, (added >= low) & (added < high))}
        for low, high in pairwise(EDGES_DN)
    ]
    result: dict[str, Any] = without_nan(
        {
            "threshold": threshold,
            "target": rate,
            "false_positive_rate": float(np.mean(negatives >= threshold)) if len(negatives) else None,
            "negatives": len(negatives),
            "supported": rate * len(negatives) >= 20,
            "visible": _row(struck.pairs, found, added >= VISIBLE_DN),
            "bins": [filled for filled in bins if filled["pairs"]],
        }
    )
    return result


def _rows(pair: Pair) -> tuple[int | None, int | None]:
    return pair.real_row, pair.simulated_row


def _found(margin: NDArray[np.float64], row: int | None, threshold: float) -> bool:
    return row is not None and bool(margin[row] >= threshold)


def _row(pairs: Sequence[Pair], found: NDArray[np.bool_], chosen: NDArray[np.bool_]) -> dict[str, Any]:
    here = [pair for pair, wanted in zip(pairs, chosen, strict=True) if wanted]
    row: dict[str, Any] = {"pairs": len(here)}
    if not here:
        return row
    both = found[chosen]
    for which, name in enumerate(_KINDS):
        hits = [getattr(pair, name) for pair in here]
        low, high = wilson_interval(int(both[:, which].sum()), len(here))
        row[name] = {
            "recall": float(both[:, which].mean()),
            "low": low,
            "high": high,
            "proposed": float(np.mean([_rows(pair)[which] is not None for pair in here])),
            "median_added_dn": float(np.median([hit.added_dn for hit in hits])),
            "median_pixels": float(np.median([hit.pixels for hit in hits])),
        }
    change = both[:, 0].astype(float) - both[:, 1]
    middle, reach = float(change.mean()), Z_95 * float(change.std()) / np.sqrt(len(here))
    row["difference"] = {"value": middle, "low": middle - reach, "high": middle + reach}
    return row


def table(result: dict[str, Any]) -> str:
    """Return recalls as a Markdown table."""
    lines = [
        "| added, grey levels | pairs | real | simulated | real − simulated | pixels, real / simulated |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in [(row["bin"], row) for row in result["bins"]] + [("25 and more", result["visible"])]:
        if not row["pairs"]:
            continue
        recalls = [f"{row[kind]['recall']:.3f} ({row[kind]['low']:.3f}–{row[kind]['high']:.3f})" for kind in _KINDS]
        change = row["difference"]
        cells = [
            name,
            str(row["pairs"]),
            *recalls,
            f"{change['value']:+.3f} ({change['low']:+.3f} to {change['high']:+.3f})",
            " / ".join(f"{row[kind]['median_pixels']:g}" for kind in _KINDS),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
