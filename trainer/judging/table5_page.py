"""The page of the paper's Table 5 beside ours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.pages.axes import Axis, from_zero
from edge.pages.charts import COLOURS, Chart, Dots, Intervals, Line
from edge.pages.page import Page, Section
from edge.pages.parts import charts, figure, heading, hint, prose, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from edge.pages.html import Html

_METRICS = {"precision": "Precision", "recall": "Recall", "f1": "F1", "accuracy": "Accuracy"}
_KINDS = {"visible_hits": "Visible hits against everything else", "all_hits": "All hits against everything else"}


def comparison_page(
    result: Mapping[str, Any], logs: Mapping[str, Sequence[Mapping[str, Any]]], paper_resnet_f1: float, command: str
) -> Page:
    """Return the page of a comparison.

    Parameters
    ----------
    result : mapping
        What `trainer.judging.table5.compare` returns.
    logs : mapping of network to its log
    paper_resnet_f1 : float
        The F1 that follows from what the paper prints for ResNet.
    command : str

    """
    networks = result["networks"]
    tested = ", ".join(Path(folder).name for folder in result["test"])
    seen = next(iter(networks.values()))["samples_seen"]
    sections = [
        Section(
            "Side by side",
            [
                prose("Ours are of simulated hits, with 95 % intervals; the paper's are of its own recordings."),
                charts(_metric(networks, name, words) for name, words in _METRICS.items()),
            ],
        ),
        Section("Training", [charts(_losses(logs))]),
        Section("Figures", [*_tables(networks), hint(_remark(paper_resnet_f1))]),
    ]
    about = (
        f"{len(networks)} networks, {result['planes']} crops of {result['crop_size']} pixels, {seen:,} samples each; "
        f"tested on {tested}"
    )
    return Page("The paper's Table 5 beside ours", about, sections, command, dict(result))


def _remark(paper_resnet_f1: float) -> str:
    return f"The paper's F1 of ResNet does not follow from its precision and recall, which give {paper_resnet_f1}."


def _metric(networks: Mapping[str, Any], name: str, words: str) -> Html:
    ours, paper = [], []
    for number, row in enumerate(networks.values()):
        found = row["visible_hits"][name]
        if found["value"] is not None:
            ours.append((number - 0.08, found["low"], found["value"], found["high"]))
        if row["paper"]:
            paper.append((number + 0.12, row["paper"][name]))
    lowest = min([low for _, low, _, _ in ours] + [value for _, value in paper], default=0.0)
    x = Axis("network", -0.5, len(networks) - 0.5, names=tuple(networks))
    y = Axis(words.lower(), max(0.0, lowest - 0.05), 1.0)
    return figure(Chart(f"{words} of visible hits", x, y, [Intervals("ours", ours, 1), Dots("paper", paper, 2, 4)]))


def _losses(logs: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[Html]:
    for key, words in (("loss", "Loss in training"), ("val_loss", "Loss on the validation split")):
        lines = [
            Line(name, [(line["steps"], line[key]) for line in log], 1 + number % COLOURS, dots=True)
            for number, (name, log) in enumerate(logs.items())
            if log
        ]
        if lines:
            values = [y for line in lines for _, y in line.points]
            last = max(x for line in lines for x, _ in line.points)
            yield figure(Chart(words, Axis("batches", 0, last), from_zero("loss", values), lines))


def _tables(networks: Mapping[str, Any]) -> Iterator[Html]:
    for kind, words in _KINDS.items():
        yield heading(words)
        rows = [
            (
                name,
                f"{row['parameters']:,}",
                f"{row['seconds']:,.0f} s",
                *(cell for metric in _METRICS for cell in _cells(row[kind][metric], (row["paper"] or {}).get(metric))),
            )
            for name, row in networks.items()
        ]
        names = (
            "network",
            "parameters",
            "fitted in",
            *(name for words in _METRICS.values() for name in (words, "paper")),
        )
        yield table(names, rows, words)


def _cells(ours: Mapping[str, float | None], paper: float | None) -> tuple[str, str]:
    value, low, high = (ours[name] for name in ("value", "low", "high"))
    found = "–" if value is None else f"{value:.4f} [{low:.3f}, {high:.3f}]"
    return found, "–" if paper is None else f"{paper:.4f}"
