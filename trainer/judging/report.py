"""The report of an evaluation: one page with curves, figures by strata and the worst mistakes, and one JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.output import is_page, require_free
from edge.pages.page import Page, Section, as_html
from edge.pages.parts import facts, folded, gallery, heading, hint, prose, table
from edge.statistics import sigmoid
from trainer.judging.curves import curves, strata
from trainer.judging.evaluate import worst_mistakes
from trainer.judging.mistakes import groups, shots
from trainer.training.run import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from edge.pages.html import Html
    from trainer.judging.evaluate import Judged
    from trainer.training.run import Run

HTML_FILE = "evaluation.html"
JSON_FILE = "evaluation.json"
BOTH = "both-"
"""Before the names of the two files where screen and classifier were judged as one."""
_PLANES = {
    "rgb": "the colours of the current frame",
    "temporal": "previous, current and next grey",
    "spike": "current grey, spike and motion",
    "compensated": "current grey and its changes, with motion compensated",
}
_KINDS = {
    "visible_hits": "Visible hits against everything else",
    "all_hits": "All hits against everything else",
}
_NEARLY = 8


def write_report(run: Run, judged: Judged, figures: dict[str, Any]) -> Path:
    """Write evaluation.html and evaluation.json into the run folder and return the path of the page.

    Where `figures` are of screen and classifier together (`trainer.judging.cascade.evaluate_both`), the files are named
    both-evaluation.html and both-evaluation.json.
    """
    prefix = BOTH if figures.get("screen") else ""
    require_free(run.path / f"{prefix}{HTML_FILE}", is_page)
    write_whole(run.path / f"{prefix}{JSON_FILE}", json.dumps(figures, indent=2) + "\n")
    write_whole(run.path / f"{prefix}{HTML_FILE}", as_html(report_page(run, judged, figures)))
    return run.path / f"{prefix}{HTML_FILE}"


def report_page(run: Run, judged: Judged, figures: Mapping[str, Any]) -> Page:
    """Return the page of an evaluation."""
    screen = figures.get("screen")
    behind = f" behind the screen {screen['run']}" if screen else ""
    contract = run.manifest.input
    about = (
        f"{run.manifest.network.name}, sees {_PLANES[contract.planes]} of {contract.crop_size} pixels; split "
        f"{figures['split']} of {_names(figures['data'])}"
    )
    sections = [
        Section("At a glance", [facts(_glance(figures)), *_how(run, figures)]),
        Section("Curves", [curves(run.log(), judged, figures)]),
        Section("By kind of sample", [*strata(figures["strata"])]),
        Section("Mistakes, enlarged", [*_mistakes(run, judged, figures)]),
        Section("Figures", [*_figures(figures)]),
    ]
    return Page(f"Evaluation of {run.path.name}{behind}", about, sections, data=figures)


def _glance(figures: Mapping[str, Any]) -> Iterator[tuple[str, object, object]]:
    part = figures["visible_hits"]
    for name, words in (("recall", "Recall"), ("precision", "Precision"), ("f1", "F1")):
        found = part[name]
        yield words, _figure(found["value"]), f"95 %: {_figure(found['low'])} to {_figure(found['high'])}"
    yield "False-positive rate", _figure(part["false_positive_rate"]), "of samples without a hit"
    yield "Samples", f"{figures['samples']:,}", f"{figures['hits']:,} with a hit"
    yield "Threshold", _figure(figures["threshold"]), "score from which a sample is called a hit"


def _how(run: Run, figures: Mapping[str, Any]) -> Iterator[Html]:
    yield prose(
        f"Recall, precision and F1 are of visible hits, which add at least {figures['visible_dn']:g} grey levels. "
        "Fainter ones are left out."
    )
    screen = figures.get("screen")
    if screen:
        bundle = f", by the decisions of the bundle {figures['bundle']}" if figures.get("bundle") else ""
        yield hint(
            f"A hit is what the screen {screen['run']} lets pass (score at least {_figure(screen['threshold'])}) and "
            f"whose joint score reaches {_figure(figures['threshold'])}{bundle}. Samples are what the fast path "
            "proposes."
        )
        return
    proposed = " Samples are what the fast path proposes, as in training." if run.manifest.fit.proposed_only else ""
    yield hint(
        f"Threshold and temperature ({_figure(figures['temperature'])}) were chosen on the validation split of "
        f"{_names(figures['chosen_on'])}.{proposed}"
    )


def _mistakes(run: Run, judged: Judged, figures: Mapping[str, Any]) -> Iterator[Html]:
    called = sigmoid(judged.margin / figures["temperature"]) >= figures["threshold"]
    planes = run.manifest.input.planes
    yield prose(
        "The middle 17 pixels of samples that were decided wrongly, enlarged 8 times, the worst first. The frames of a "
        "sample have one contrast. Corners show where the hit is or was seen."
    )
    near_false, near_missed = worst_mistakes(judged, _NEARLY)
    for label, title, none, near in (
        (1, "Visible hits that were missed", "No visible hit was missed. The nearest to it:", near_missed),
        (0, "Called a hit, and none there", "Nothing was called a hit falsely. The nearest to it:", near_false),
    ):
        yield heading(title)
        found = groups(judged, called, label=label)
        for group in found:
            yield prose(f"{group.words}: {group.mistakes:,} of {group.samples:,}")
            yield gallery(shots(judged, group.shown, planes), small=True)
        if not found:
            yield prose(none)
            yield gallery(shots(judged, [int(i) for i in near], planes), small=True)


def _figures(figures: Mapping[str, Any]) -> Iterator[Html]:
    for kind, words in _KINDS.items():
        part = figures[kind]
        yield heading(words)
        yield from _confusion(part, words)
        if part.get("at_false_positive_rate"):
            yield _rates(part, words)
    yield heading(f"Visible hits at another threshold: {_figure(figures['best_f1']['threshold'])}")
    prior = (
        ", and without the prior of motion, which samples that are half hits wherever it moves do not follow"
        if figures.get("screen")
        else ""
    )
    yield prose(
        f"Chosen on the validation split for the greatest F1, as if misses and false hits were equally bad{prior}."
    )
    yield from _confusion(figures["best_f1"], "at the greatest F1")
    if figures.get("whole_chain"):
        yield heading("Visible hits, the fast path included")
        yield prose("All samples of the split. Hits that the fast path does not propose are missed.")
        yield from _confusion(figures["whole_chain"], "fast path included")
        yield prose(f"The same without the prior of motion, at {_figure(figures['best_f1']['threshold'])}:")
        yield from _confusion(figures["whole_chain_best_f1"], "fast path included, at the greatest F1")


def _confusion(part: Mapping[str, Any], title: str) -> Iterator[Html]:
    counts = part["confusion"]
    yield table(
        ("", "called a hit", "called none"),
        [
            ("hit", f"{counts['true_positives']:,}", f"{counts['false_negatives']:,}"),
            ("no hit", f"{counts['false_positives']:,}", f"{counts['true_negatives']:,}"),
        ],
        f"Decisions: {title}",
    )
    rows = [
        (
            name if name != "f1" else "F1",
            _figure(part[name]["value"]),
            f"{_figure(part[name]['low'])} to {_figure(part[name]['high'])}",
        )
        for name in ("precision", "recall", "f1", "accuracy")
    ]
    yield table(("", "value", "95 % interval (bootstrap)"), rows, f"Precision and recall: {title}")


def _rates(part: Mapping[str, Any], title: str) -> Html:
    rows = [
        (
            f"{point['target']:g}{'' if point['supported'] else ' *'}",
            _figure(point["recall"]) if point["supported"] else "",
            f"{_figure(point['recall_low'])} to {_figure(point['recall_high'])}",
            _figure(point["threshold"]),
        )
        for point in part["at_false_positive_rate"]
    ]
    names = ("false-positive rate at most", "recall", "95 % interval", "threshold")
    return folded(
        "Recall at stated false-positive rates",
        table(names, rows, f"Recall at false-positive rates: {title}"),
        hint("* At this rate fewer than 20 false positives are expected, so only the interval is stated."),
    )


def _names(folders: Iterable[str]) -> str:
    return ", ".join(Path(folder).name for folder in folders)


def _figure(value: float | None) -> str:
    return "–" if value is None or not np.isfinite(value) else f"{value:.4g}"
