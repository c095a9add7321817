"""The page of a comparison of methods: speed, hits found and false hits side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.detect.hit import STAGE_WORDS
from edge.pages.axes import Axis, from_zero
from edge.pages.charts import Bars, Chart, Intervals
from edge.pages.page import Page, Section
from edge.pages.parts import charts, facts, figure, note, prose, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edge.bench.comparison import Comparison, Row
    from edge.pages.html import Html


def comparison_page(comparison: Comparison, command: str = "") -> Page:
    """Return the page of a comparison."""
    rows = comparison.rows
    decode = comparison.decode
    known = (
        ("Frames", f"{comparison.frames:,}", "of the recording"),
        ("Threads", f"{comparison.threads}", ""),
        ("Decoding", f"{decode.mean:.2f} ms", f"a frame; median {decode.median:.2f}, 95 % below {decode.p95:.2f}"),
        ("Memory", f"{comparison.peak_mb:.0f} MB", "most of the whole process"),
    )
    sections = [
        Section("At a glance", [*(note(f"{warning}.") for warning in comparison.warnings), facts(known)]),
        Section("Side by side", [charts(_figures(rows)), _table(rows)]),
        Section("The methods", [*_methods(rows)]),
    ]
    return Page(
        f"Methods on {comparison.clip}",
        "Each frame is decoded once and judged by every method in turn, in one run",
        sections,
        command,
    )


def _figures(rows: Sequence[Row]) -> Iterator[Html]:
    names = tuple(row.name for row in rows)

    def chart(title: str, y: Axis, series: Bars | Intervals) -> Html:
        return figure(Chart(title, Axis("method", -0.5, len(rows) - 0.5, names=names), y, [series]))

    speeds = [(number - 0.35, number + 0.35, row.fps) for number, row in enumerate(rows)]
    yield chart(
        "Frames a second, decoding included", from_zero("frames a second", [row.fps for row in rows]), Bars("", speeds)
    )
    scored = [(number, row.score) for number, row in enumerate(rows) if row.score is not None]
    recalls = [
        (number, score.recall_interval[0], score.recall, score.recall_interval[1])
        for number, score in scored
        if score.recall is not None and score.recall_interval is not None
    ]
    if recalls:
        yield chart("Visible hits found, with 95 % intervals", Axis("share", 0, 1), Intervals("", recalls, 3))
    false = [
        (number, score.false_interval[0], score.false_per_frame, score.false_interval[1]) for number, score in scored
    ]
    if false:
        lowest = min([high for *_, high in false] + [value for _, _, value, _ in false if value > 0]) / 10
        y = Axis("false hits a frame", lowest, 2 * max(high for *_, high in false), log=True)
        yield chart("False hits a frame, with 95 % intervals", y, Intervals("", false, 2))


def _table(rows: Sequence[Row]) -> Html:
    names = (
        "method",
        "frames",
        "frames a second",
        "ms a frame",
        "95 % below",
        "memory, MB",
        "visible hits found",
        "false hits a frame",
    )
    return table(names, map(_cells, rows), "Methods side by side")


def _cells(row: Row) -> tuple[str, ...]:
    total = row.ms.get("all")
    times = ("–", "–") if total is None else (f"{total.mean:.2f}", f"{total.p95:.2f}")
    recall = false = "–"
    if row.score is not None:
        low, high = row.score.false_interval
        false = f"{row.score.false_per_frame:.3g} [{low:.2g}, {high:.2g}]"
        if row.score.recall is not None and row.score.recall_interval is not None:
            low, high = row.score.recall_interval
            recall = f"{row.score.recall:.1%} of {row.score.visible:,} [{low:.1%}, {high:.1%}]"
    return row.name, f"{row.frames:,}", f"{row.fps:.1f}", *times, f"{row.added_mb:.0f}", recall, false


def _methods(rows: Sequence[Row]) -> Iterator[Html]:
    for row in rows:
        stages = [
            f"{STAGE_WORDS.get(stage, stage)} {spent.mean:.2f}" for stage, spent in row.ms.items() if stage != "all"
        ]
        spent = f" Milliseconds a frame: {', '.join(stages)}." if stages else ""
        yield prose(f"{row.name}: {row.about}.{spent}")
    if all(row.score is None for row in rows):
        yield prose("Without a truth file (--truth) only speed and memory are compared.")
