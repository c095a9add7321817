"""The charts of an analysed recording."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from edge.detect.hit import event_counts
from edge.pages.axes import Axis, from_zero
from edge.pages.charts import Band, Bars, Chart, Intervals, Line, Spans
from edge.pages.parts import broad_figure, charts, figure, hint, prose
from edge.review.sensor_model import ADDED_EDGES_DN, PIXEL_EDGES, counts, per_step, sensor_model
from edge.statistics import poisson_interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from edge.alarm.episodes import Episode
    from edge.analysis import StageTime
    from edge.pages.charts import Series
    from edge.pages.html import Html
    from edge.review.timeline import Cell


def alarm_spans(episodes: Iterable[Episode], end_s: float) -> Spans:
    """Return the time for which alarms stood."""
    stood = [(episode.raised_s, episode.ended_s if episode.ended_s is not None else end_s) for episode in episodes]
    return Spans("alarm", stood)


def rate_chart(cells: Sequence[Cell], alarms: Spans) -> Html:
    """Return the chart of the rate beside the background as known at each time."""
    rated = [(cell, rate) for cell in cells if (rate := cell.rate_hz) is not None]
    end_s = _end_s(cells)
    highest = max((rate for _, (_, rate, _) in rated), default=0.0)
    # A cell with hardly any live time has an interval that would flatten all others.
    top = min(max((high for _, (_, _, high) in rated), default=1.0), 3 * highest or 1.0)
    intervals = [(cell.start_s, low, high) for cell, (low, _, high) in rated]
    known = [(cell.start_s, *cell.background_hz) for cell in cells]
    series: list[Series] = [
        Spans(alarms.name if alarms.spans else "", alarms.spans),
        Band("its 95 % interval", _closed(intervals, end_s), 1, stepped=True),
        Band("", [(at, low, high) for at, low, _, high in known], 2),
        Line("rate", _closed([(cell.start_s, rate) for cell, (_, rate, _) in rated], end_s), 1, stepped=True),
        Line("background as known then", [(at, mean) for at, _, mean, _ in known], 2, dashed=True),
    ]
    width_s = cells[1].start_s - cells[0].start_s if len(cells) > 1 else 1.0
    chart = Chart(
        "Hits per live second",
        _time_axis(cells),
        from_zero("hits per live second", [top]),
        series,
        f"The rate in steps of {width_s:g} s; the highest is {highest:.3g}.",
    )
    return broad_figure(
        chart,
        f"In steps of {width_s:g} s. The alarm sums up what exceeds the background; it is shaded while it stands.",
    )


def live_chart(cells: Sequence[Cell], alarms: Spans) -> Html:
    """Return the chart of the live time."""
    end_s = _end_s(cells)
    timed = [cell for cell in cells if cell.seconds > 0]
    fraction = _closed([(cell.start_s, cell.live_fraction / cell.seconds) for cell in timed], end_s)
    live = _closed([(cell.start_s, cell.live_s / cell.seconds) for cell in timed], end_s)
    chart = Chart(
        "Live time",
        _time_axis(cells),
        Axis("share", 0, 1.05),
        [
            Spans("", alarms.spans),
            Line("share of the picture that is live", fraction, 3, stepped=True),
            Line("live seconds a second: × exposure × visibility", live, 4, stepped=True),
        ],
        "How much of the picture, and of the time, a hit could have been seen.",
    )
    return broad_figure(chart, height=170)


def spectra(hits: Sequence[Mapping[str, Any]]) -> Iterator[Html]:
    """Yield the charts of added light and of sizes beside those of the simulated camera."""
    counted = [hit for hit in hits if event_counts(hit)]
    if not counted:
        yield prose("No hits that count.")
        return
    model = sensor_model()
    added = counts((hit["added_dn"] for hit in counted), ADDED_EDGES_DN)
    pixels = counts((hit["pixels"] for hit in counted), PIXEL_EDGES)
    by_light = _spectrum(
        "Added light",
        Axis("grey levels added to the brightest pixel", 10, 256, log=True),
        (added, ADDED_EDGES_DN),
        [(source.name, source.added) for source in model.sources],
    )
    by_size = _spectrum(
        "Size",
        Axis("pixels above half of the height", 1, 60, log=True),
        (pixels, PIXEL_EDGES),
        [(source.name, source.pixels) for source in model.sources],
    )
    yield charts(map(figure, (by_light, by_size)))
    yield hint(
        f"Dots: the {len(counted):,} hits of this recording that count, with 95 % intervals. Lines: hits that "
        f"the shipped networks find in films of the simulated camera ({model.camera}) beside a source. Hits of another "
        f"camera, exposure or gain differ. The table of the lines is made by {model.command}."
    )


def stage_chart(ms: Mapping[str, StageTime]) -> Html:
    """Return the chart of the time a frame by stage."""
    bars = [(number - 0.35, number + 0.35, times.mean) for number, times in enumerate(ms.values())]
    longest = [(number, times.mean, times.p95, times.p95) for number, times in enumerate(ms.values())]
    names = tuple(name.split()[0] for name in ms)
    chart = Chart(
        "Milliseconds a frame by stage",
        Axis("stage", -0.5, len(ms) - 0.5, names=names),
        from_zero("ms", [times.p95 for times in ms.values()]),
        [Bars("mean", bars, 1), Intervals("95 % of the frames take less", longest, 2)],
    )
    return figure(chart)


def _spectrum(
    title: str, x: Axis, found: tuple[Sequence[int], Sequence[float]], modelled: Sequence[tuple[str, Sequence[int]]]
) -> Chart:
    counts_found, edges = found
    whole = max(sum(counts_found), 1)
    dots = []
    for count, (low, high) in zip(counts_found, pairwise(edges), strict=True):
        least, most = poisson_interval(count)
        if count:
            scale = whole * (high - low)
            dots.append(((max(low, x.low) * high) ** 0.5, least / scale, count / scale, most / scale))
    lines: list[Series] = []
    for number, (name, modelled_counts) in enumerate(modelled):
        shares = [*per_step(modelled_counts, edges)]
        points = [(max(low, x.low), share) for low, share in zip(edges, [*shares, shares[-1]], strict=True)]
        lines.append(Line(name, points, 2 + number, stepped=True))
    values = [share for line in lines if isinstance(line, Line) for _, share in line.points if share > 0]
    values += [value for _, _, value, _ in dots]
    y = Axis("share of hits per step of 1", min(values) / 2, max(values) * 2, log=True)
    return Chart(title, x, y, [*lines, Intervals("this recording", dots, 1)])


def _closed(points: Sequence[tuple[float, ...]], end_s: float) -> Any:  # noqa: ANN401 - points of any length
    """Return stepped points with one more at the end of the time, so that the last step is drawn."""
    return [*points, (end_s, *points[-1][1:])] if points else []


def _time_axis(cells: Sequence[Cell]) -> Axis:
    start_s = cells[0].start_s if cells else 1.0
    return Axis("time in the recording, s", start_s, max(_end_s(cells), start_s + 1e-3))


def _end_s(cells: Sequence[Cell]) -> float:
    if len(cells) < 2:
        return cells[0].start_s + max(cells[0].seconds, 1e-3) if cells else 1.0
    return 2 * cells[-1].start_s - cells[-2].start_s
