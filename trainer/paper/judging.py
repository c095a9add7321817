"""Table 5: each trained network on each test, at the paper's threshold, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edge.detect.decision import Decision
from edge.detect.networks import Classifier
from edge.truth import VISIBLE_DN
from trainer.judging.evaluate import Judged, figures_at, judge, visible, without_nan
from trainer.paper.stages import PAPER_THRESHOLD
from trainer.training.batches import read_crops
from trainer.training.planes import network_planes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edge.detect.manifest import Bundle, InputContract
    from trainer.data.dataset import Dataset
    from trainer.training.batches import Crops
    from trainer.training.run import Run

_DECISION = Decision(threshold=PAPER_THRESHOLD)
_BATCH = 64


def judge_run(run: Run, tests: Mapping[str, Dataset]) -> dict[str, Any]:
    """Return the figures of a run's best network on each test, and how it was trained."""
    contract = run.manifest.input
    model = run.load_model()
    log = run.log()
    steps = max((int(line["steps"]) for line in log), default=0)
    return {
        "network": run.manifest.network.name,
        "arithmetic": "float32",
        "parameters": int(model.count_params()),
        "planes": contract.planes,
        "crop_size": contract.crop_size,
        "samples": steps * run.manifest.fit.batch_size,
        "tests": _on_tests(tests, contract, lambda crops: judge(model, crops, contract, _BATCH)),
    }


def judge_bundle(bundle: Bundle, tests: Mapping[str, Dataset], threads: int = 2) -> dict[str, Any]:
    """Return the figures of the network in a bundle on each test, at the paper's threshold."""
    classifier = Classifier(bundle, threads)
    contract = bundle.manifest.input

    def judged(crops: Crops) -> Judged:
        margin = classifier.margins(network_planes(crops.pictures, contract.planes))
        return Judged(crops, margin, visible(crops))

    return {
        "network": bundle.manifest.network,
        "arithmetic": contract.dtype,
        "size_bytes": bundle.manifest.size_bytes,
        "planes": contract.planes,
        "crop_size": contract.crop_size,
        "tests": _on_tests(tests, contract, judged),
    }


def _on_tests(
    tests: Mapping[str, Dataset], contract: InputContract, judged_by: Callable[[Crops], Judged]
) -> dict[str, Any]:
    found = {}
    for name, test in tests.items():
        judged = judged_by(read_crops([test], "test", contract))
        all_hits = figures_at(judged, _DECISION, only_visible=False)
        of_visible = figures_at(judged, _DECISION)
        found[name] = {
            **{metric: all_hits[metric] for metric in ("precision", "recall", "f1", "accuracy")},
            "confusion": all_hits["confusion"],
            "roc_auc": all_hits.get("roc_auc"),
            "recall_of_visible": of_visible["recall"],
        }
    result: dict[str, Any] = without_nan(found)
    return result


def ceiling(test: Dataset) -> dict[str, Any]:
    """Return how many hits of a test's positive crops can be seen: the share whose hit adds at least 25 grey levels.

    No network that judges a single picture finds more than about this share at few false alarms.
    """
    added = np.array(
        [
            sample.get("added_dn") or 0.0
            for strata, label in test.truths("test")
            for sample, value in zip(strata, label, strict=True)
            if value
        ]
    )
    return {"positives": len(added), "visible": float((added >= VISIBLE_DN).mean()) if len(added) else None}
