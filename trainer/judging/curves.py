"""The charts of an evaluation: training, ROC, precision and recall, calibration, margins, and figures by strata."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import precision_recall_curve, roc_curve

from edge.pages.axes import Axis, from_zero
from edge.pages.charts import Chart, Intervals, Line, whisker
from edge.pages.parts import charts, figure, heading, table
from trainer.data.words import short_range, stratum_words, value_words
from trainer.judging.strata import EDGES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from edge.pages.html import Html
    from trainer.judging.evaluate import Judged

MAX_POINTS = 400
_SHARE = Axis("share", 0, 1)


def curves(log: Sequence[Mapping[str, Any]], judged: Judged, figures: Mapping[str, Any]) -> Html:
    """Return ROC, precision and recall, calibration and margins, then loss and accuracy in training (Figure 7)."""
    chosen = judged.visible
    label, margin = judged.crops.label[chosen], judged.margin[chosen]
    drawn: list[Html] = []
    if 0 < label.sum() < len(label):
        drawn += [_roc(label, margin), _precision_recall(label, margin)]
    drawn += [_calibration(figures["calibration"]), _margins(label, margin)]
    if log:
        drawn += [_training(log, name) for name in ("loss", "accuracy")]
    return charts(drawn)


def strata(tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[Html]:
    """Yield the figures by strata: charts of those that are numbers, tables with intervals of those that are names."""
    drawn = [chart for name in EDGES if name in tables for chart in _of_numbers(name, tables[name])]
    if drawn:
        yield charts(drawn)
    for name, rows in tables.items():
        if name not in EDGES:
            yield heading(f"By {stratum_words(name)}")
            yield _of_names(name, rows)


def _roc(label: NDArray[np.uint8], margin: NDArray[np.float64]) -> Html:
    rate, recall, _ = roc_curve(label, margin)
    lowest = 0.5 / max(int(np.count_nonzero(label == 0)), 1)  # a rate of 0 has no place on a logarithmic axis
    points = _thinned([(max(float(x), lowest), float(y)) for x, y in zip(rate, recall, strict=True)])
    chart = Chart(
        "ROC: visible hits against everything else",
        Axis("false-positive rate", lowest, 1, log=True),
        Axis("recall", 0, 1),
        [Line("recall", points, 1, stepped=True)],
    )
    return figure(chart)


def _precision_recall(label: NDArray[np.uint8], margin: NDArray[np.float64]) -> Html:
    precision, recall, _ = precision_recall_curve(label, margin)
    points = _thinned([(float(x), float(y)) for x, y in zip(recall[:-1], precision[:-1], strict=True)])
    chart = Chart(
        "Precision and recall of visible hits", Axis("recall", 0, 1), Axis("precision", 0, 1), [Line("", points, 1)]
    )
    return figure(chart)


def _calibration(calibrated: Mapping[str, Any]) -> Html:
    pairs = zip(calibrated["mean_score"], calibrated["share_of_hits"], strict=True)
    points = [(score, share) for score, share in pairs if score is not None and np.isfinite(score)]
    chart = Chart(
        f"Calibration: mean error {calibrated['error']:.3f}",
        Axis("score", 0, 1),
        Axis("share of hits", 0, 1),
        [Line("ideal", [(0, 0), (1, 1)], 6, dashed=True), Line("found", points, 1, dots=True)],
    )
    return figure(chart)


def _margins(label: NDArray[np.uint8], margin: NDArray[np.float64]) -> Html:
    finite = margin[np.isfinite(margin)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    edges = np.linspace(low, max(high, low + 1e-6), 61)
    lines = []
    for value, name in ((0, "no hit"), (1, "visible hit")):
        counts = np.histogram(margin[label == value], bins=edges)[0]
        steps = [(float(x), max(float(n), 0.5)) for x, n in zip(edges, [*counts, counts[-1]], strict=True)]
        lines.append(Line(name, steps, 2 - value, stepped=True))
    most = max(y for line in lines for _, y in line.points)
    chart = Chart(
        "Margins: how sure the network is",
        Axis("logit 1 − logit 0", float(edges[0]), float(edges[-1])),
        Axis("samples", 0.5, max(most * 1.5, 2), log=True),
        lines,
    )
    return figure(chart)


def _training(log: Sequence[Mapping[str, Any]], name: str) -> Html:
    lines = [
        Line(
            words, [(line["steps"], line[key]) for line in log if line.get(key) is not None], number, dots=len(log) < 20
        )
        for number, (key, words) in enumerate(((name, "training"), (f"val_{name}", "validation")), start=1)
    ]
    values = [y for line in lines for _, y in line.points]
    last = max(line["steps"] for line in log)
    y = from_zero(name, values) if name == "loss" else Axis(name, min([0.95, *values]) * 0.98, 1.0)
    return figure(Chart(f"{name.capitalize()} in training", Axis("batches", 0, max(last, 1)), y, lines))


def _of_numbers(name: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[Html]:
    names = tuple(short_range(row["bin"]) for row in rows)
    for key, words, colour in (("recall", "Recall", 1), ("false_positive_rate", "False-positive rate", 2)):
        points = [
            (number, row[key]["low"], row[key]["value"], row[key]["high"])
            for number, row in enumerate(rows)
            if row.get(key) is not None
        ]
        if len(points) < 2:
            continue
        y = Axis("recall", 0, 1) if key == "recall" else from_zero("false-positive rate", [high for *_, high in points])
        x = Axis(stratum_words(name), -0.5, len(rows) - 0.5, names=names)
        yield figure(Chart(f"{words} by {stratum_words(name).split(',')[0]}", x, y, [Intervals("", points, colour)]))


def _of_names(name: str, rows: Sequence[Mapping[str, Any]]) -> Html:
    rates = [row["false_positive_rate"]["high"] for row in rows if row.get("false_positive_rate")]
    axes = {"recall": _SHARE, "false_positive_rate": Axis("", 0, max([*rates, 1e-6]))}
    cells = [
        (
            value_words(name, row["bin"]),
            f"{row['hits']:,}",
            *_figure(row.get("recall"), axes["recall"], 1),
            f"{row['others']:,}",
            *_figure(row.get("false_positive_rate"), axes["false_positive_rate"], 2),
        )
        for row in rows
    ]
    names = (
        "",
        "hits",
        "recall [95 %]",
        "0 to 1",
        "others",
        "false-positive rate [95 %]",
        f"0 to {max([*rates, 0]):.2g}",
    )
    return table(names, cells, f"Figures by {stratum_words(name)}")


def _figure(found: Mapping[str, float] | None, axis: Axis, colour: int) -> tuple[object, object]:
    if found is None:
        return "–", ""
    words = f"{found['value']:.3g} [{found['low']:.2g}, {found['high']:.2g}]"
    return words, whisker(axis, found["low"], found["value"], found["high"], colour)


def _thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return at most 400 of the points, spread over both axes, with the first and the last."""
    if len(points) <= MAX_POINTS:
        return list(points)
    place = np.cumsum([0.0, *(abs(a[0] - b[0]) + abs(a[1] - b[1]) for a, b in pairwise(points))])
    wanted = np.unique(np.searchsorted(place, np.linspace(0, place[-1], MAX_POINTS)))
    return [points[int(i)] for i in sorted({0, len(points) - 1, *wanted.tolist()}) if i < len(points)]
