"""The findings of `gammabox-edge simulate-alarms` as curves and as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.pages.axes import Axis
from edge.pages.charts import COLOURS, Band, Chart, Intervals, Line, as_picture
from edge.pages.page import Page, Section
from edge.pages.parts import charts, facts, figure, hint, prose, table, verdict
from edge.simulation.months import per_1000_h
from edge.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edge.pages.charts import Series
    from edge.pages.html import Html
    from edge.simulation.passages import Detection
    from edge.simulation.study import Findings, Plan, Source


def plot(findings: Findings, seconds: float) -> str:
    """Return the curves as an SVG picture: probability against dose rate, delay against the extra rate."""
    return as_picture(curves(findings, seconds))


def curves(findings: Findings, seconds: float) -> list[Chart]:
    """Return the charts: probability against dose rate for each nuclide, probability and delay against the rate."""
    nuclides: dict[str, list[tuple[float, float]]] = {}
    stated: list[tuple[float, Detection]] = []
    for source, detection in findings.detections:
        if source.nuclide is not None and source.dose_rate_usv_h is not None:
            nuclides.setdefault(source.nuclide, []).append((source.dose_rate_usv_h, detection.probability))
        else:
            stated.append((source.extra_hz, detection))
    drawn = []
    if nuclides:
        x = _log_axis("µSv/h at the camera", [x for points in nuclides.values() for x, _ in points])
        lines = [
            Line(name, sorted(points), 1 + number % COLOURS) for number, (name, points) in enumerate(nuclides.items())
        ]
        drawn.append(Chart(f"Share with an alarm within {seconds:g} s", x, Axis("share", 0, 1), lines))
    delays: dict[str, list[tuple[float, float]]] = {"median": [], "90 %": []}
    for extra_hz, detection in stated:
        for name, delay_s in (("median", detection.median_s), ("90 %", detection.p90_s)):
            if delay_s is not None and delay_s > 0:
                delays[name].append((extra_hz, delay_s))
    lines = [Line(name, sorted(points), 1 + number) for number, (name, points) in enumerate(delays.items()) if points]
    if lines:
        x = _log_axis("extra hits per live second", [x for line in lines for x, _ in line.points])
        y = _log_axis("seconds", [y for line in lines for _, y in line.points])
        drawn.append(Chart("Delay of the alarm", x, y, lines))
    return drawn


def findings_page(findings: Findings, plan: Plan, footage: tuple[float, int] | None = None, command: str = "") -> Page:
    """Return the page of the findings.

    Parameters
    ----------
    footage : (float, int) or None
        Hours of real recordings without a source, and the alarms in them.

    """
    sections = [Section("", [_verdict(findings)])]
    if findings.tally.live_hours:
        sections.append(Section("Without a source", [*_without_source(findings, plan)]))
    sections.append(Section("Real recordings without a source", [prose(_footage(footage))]))
    if findings.detections:
        sections.append(Section("With a source", [*_with_source(findings, plan)]))
    about = (
        f"{findings.tally.hours:,.0f} simulated hours without a source; "
        f"{counted(len(findings.detections) * plan.passages, 'passage')} of sources"
    )
    return Page("Simulated alarms", about, sections, command, findings.as_dict())


def _verdict(findings: Findings) -> Html:
    if not findings.tally.live_hours:
        return verdict("No hours without a source were simulated", "")
    rate, (low, high) = per_1000_h(findings.tally.raised, findings.tally.live_hours)
    found = f"{rate:.3g} in 1000 live hours (95 %: {low:.3g} to {high:.3g}); stated: {findings.stated_per_1000_h:g}."
    if findings.within_stated:
        return verdict("False alarms are within the stated rate", "good", found)
    return verdict("More false alarms than stated", "bad", found)


def _without_source(findings: Findings, plan: Plan) -> Iterator[Html]:
    tally, background = findings.tally, plan.life.background
    rate, (low, high) = per_1000_h(tally.raised, tally.live_hours)
    yield facts(
        (
            ("False alarms", f"{tally.raised:,}", f"in {tally.live_hours:,.0f} live hours"),
            ("In 1000 live hours", f"{rate:.3g}", f"95 %: {low:.3g} to {high:.3g}"),
            ("Hits", f"{tally.hits:,}", f"{background.rate_hz:g} per live second"),
            ("Early", f"{tally.early_raised:,}", f"alarms within 5 minutes of a start, in {tally.early_hours:.1f} h"),
            ("Changed", f"{tally.changed:,}", "told as a changed background"),
            ("Most in a day", f"{tally.max_a_day:,}", "messages of one box"),
        )
    )
    stated = Line("stated", [(-0.5, findings.stated_per_1000_h), (0.5, findings.stated_per_1000_h)], 2, dashed=True)
    y = Axis("in 1000 live hours", 0, 1.2 * max(high, findings.stated_per_1000_h))
    found = Intervals("found", [(0, low, rate, high)], 1)
    chart = Chart(
        "False alarms, with their 95 % interval", Axis("", -0.5, 0.5, names=("all boxes",)), y, [stated, found]
    )
    kind = "replayed" if background.recording is not None else f"dispersion {background.dispersion:g}"
    yield charts((figure(chart),))
    yield hint(
        f"Background: {kind}, day swing {background.day_swing:.0%}. {counted(tally.starts, 'start')} without a state "
        f"file, {counted(tally.resumed, 'restart')} with one."
    )


def _footage(footage: tuple[float, int] | None) -> str:
    if footage is None:
        return "Not stated. The simulation says nothing about glints, snow and what else looks like a hit."
    hours, alarms = footage
    rate, (low, high) = per_1000_h(alarms, hours)
    return (
        f"{counted(alarms, 'alarm')} in {hours:g} h: {rate:.3g} in 1000 h (95 %: {low:.3g} to {high:.3g}). This is "
        "another figure than the statistical rate."
    )


def _with_source(findings: Findings, plan: Plan) -> Iterator[Html]:
    manner = "passes within" if plan.passage.shape == "pass" else "stays"
    yield prose(f"A source that {manner} {plan.passage.seconds:g} s, {plan.passages:,} times each.")
    seconds = plan.passage.seconds
    yield charts([*(figure(chart) for chart in curves(findings, seconds)), *map(figure, _by_rate(findings, seconds))])
    rows = [_row(source, detection) for source, detection in findings.detections]
    names = ("source", "µSv/h", "extra hits/s", "detected", "95 %", "median, s", "90 %, s")
    yield table(names, rows, "Detection of each source")


def _by_rate(findings: Findings, seconds: float) -> Iterator[Chart]:
    stated = sorted(
        (source.extra_hz, *detection.probability_interval, detection.probability)
        for source, detection in findings.detections
        if source.nuclide is None
    )
    if not stated:
        return
    x = _log_axis("extra hits per live second", [extra_hz for extra_hz, *_ in stated])
    series: Sequence[Series] = [
        Band("95 % interval", [(extra_hz, low, high) for extra_hz, low, high, _ in stated], 1),
        Line("found", [(extra_hz, share) for extra_hz, _, _, share in stated], 1, dots=True),
    ]
    yield Chart(f"Share with an alarm within {seconds:g} s, by rate", x, Axis("share", 0, 1), series)


def _row(source: Source, detection: Detection) -> tuple[str, ...]:
    low, high = source.range_hz
    from_share, to_share = detection.probability_interval
    return (
        source.nuclide or "stated rate",
        "" if source.dose_rate_usv_h is None else f"{source.dose_rate_usv_h:g}",
        f"{source.extra_hz:.3g}" + (f" ({low:.2g} to {high:.2g})" if source.nuclide else ""),
        f"{detection.probability:.3f}",
        f"{from_share:.3f} to {to_share:.3f}",
        *("–" if delay is None else f"{delay:.1f}" for delay in (detection.median_s, detection.p90_s)),
    )


def _log_axis(label: str, values: Sequence[float]) -> Axis:
    low, high = min(values), max(values)
    return Axis(label, low / 1.2, high * 1.2, log=True) if low == high else Axis(label, low, high, log=True)
