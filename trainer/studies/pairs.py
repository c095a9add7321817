"""Recall of real hits against that of simulated ones at one false-positive rate, pair by pair."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.statistics import Z_95, threshold_at_fpr, wilson_interval
from edge.truth import VISIBLE_DN
from trainer.judging.cascade import joint_odds
from trainer.judging.evaluate import judge, without_nan
from trainer.judging.strata import motion_of
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
    """Let the networks look at samples: margins (n,) of "classifier", and with a screen of "screen" and of "joint".

    "joint" are the log odds by which the agent decides; they need the `decisions` of screen and classifier.
    """
    found = {"classifier": _margin(samples, classifier)}
    if screen is not None and decisions is not None:
        found["screen"] = _margin(samples, screen)
        motion = motion_of(samples.strata)
        found["joint"] = joint_odds(found["screen"], found["classifier"], motion, decisions)
    return found


def _margin(samples: Samples, run: Run) -> NDArray[np.float64]:
    contract = run.manifest.input
    return judge(run.load_model(), cut_crops(samples, contract), contract).margin


def compare_pairs(struck: Struck, margin: NDArray[np.float64], rate: float) -> dict[str, Any]:
    """Give recalls at the lowest threshold that keeps to `rate` on the candidates without hits, by added grey levels.

    A hit that the fast path does not propose is missed. Intervals are of 95 %: Wilson's for recalls; for the
    difference of a pair (found 1, missed 0) the normal one, which takes pairs as independent.

    Returns
    -------
    dict
        threshold, false_positive_rate (met), negatives, supported (at least 20 false positives expected), visible
        (pairs of at least VISIBLE_DN), bins.

    """
    negatives = margin[struck.samples.label == 0]
    threshold = threshold_at_fpr(negatives, rate)
    found = np.array([[_found(margin, row, threshold) for row in _rows(one)] for one in struck.pairs], bool)
    added = np.array([one.real.added_dn for one in struck.pairs])
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
            "bins": [one for one in bins if one["pairs"]],
        }
    )
    return result


def _rows(pair: Pair) -> tuple[int | None, int | None]:
    return pair.real_row, pair.simulated_row


def _found(margin: NDArray[np.float64], row: int | None, threshold: float) -> bool:
    return row is not None and bool(margin[row] >= threshold)


def _row(pairs: Sequence[Pair], found: NDArray[np.bool_], chosen: NDArray[np.bool_]) -> dict[str, Any]:
    here = [one for one, wanted in zip(pairs, chosen, strict=True) if wanted]
    row: dict[str, Any] = {"pairs": len(here)}
    if not here:
        return row
    both = found[chosen]
    for which, name in enumerate(_KINDS):
        hits = [getattr(one, name) for one in here]
        low, high = wilson_interval(int(both[:, which].sum()), len(here))
        row[name] = {
            "recall": float(both[:, which].mean()),
            "low": low,
            "high": high,
            "proposed": float(np.mean([_rows(one)[which] is not None for one in here])),
            "median_added_dn": float(np.median([one.added_dn for one in hits])),
            "median_pixels": float(np.median([one.pixels for one in hits])),
        }
    change = both[:, 0].astype(float) - both[:, 1]
    middle, reach = float(change.mean()), Z_95 * float(change.std()) / np.sqrt(len(here))
    row["difference"] = {"value": middle, "low": middle - reach, "high": middle + reach}
    return row


def table(result: dict[str, Any]) -> str:
    """Give the recalls of one judge as a Markdown table."""
    lines = [
        "| added, grey levels | pairs | real | simulated | real − simulated | pixels, real / simulated |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in [(one["bin"], one) for one in result["bins"]] + [("25 and more", result["visible"])]:
        if not row["pairs"]:
            continue
        recalls = [f"{row[of]['recall']:.3f} ({row[of]['low']:.3f}–{row[of]['high']:.3f})" for of in _KINDS]
        change = row["difference"]
        cells = [
            name,
            str(row["pairs"]),
            *recalls,
            f"{change['value']:+.3f} ({change['low']:+.3f} to {change['high']:+.3f})",
            " / ".join(f"{row[of]['median_pixels']:g}" for of in _KINDS),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
