"""The command `gammabox-edge simulate-alarms`: months of background and passages of sources through the alarm."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from edge.commands.console import EXIT_CHECK_FAILED, typed_command
from edge.config.device import AlarmSettings, load_settings
from edge.config.faults import shown_text
from edge.errors import SettingsError
from edge.files import replace_file
from edge.pages.page import write_page
from edge.simulation.background import BackgroundModel
from edge.simulation.months import BoxLife, per_1000_h
from edge.simulation.page import findings_page, plot
from edge.simulation.passages import Passage
from edge.simulation.playback import FramePace
from edge.simulation.replay import read_recording
from edge.simulation.sensor import RESPONSES
from edge.simulation.study import Plan, simulate, sources_of
from edge.text import counted, significant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from edge.commands.simulation_options import BackgroundOptions, BoxOptions, FootageOptions, SourceOptions
    from edge.simulation.passages import Detection
    from edge.simulation.study import Findings, Source

MAX_LIFE_H = 1000.0


def run(
    plan: Plan,
    *,
    footage: FootageOptions,
    processes: int | None,
    plot_to: Path | None,
    report: Path | None = None,
    as_json: bool,
) -> int:
    """Simulate, print the findings and return the exit code: 1 where more false alarms come than the settings state."""
    with _progress() as progress:
        findings = simulate(plan, processes, progress)
    if plot_to is not None:
        replace_file(plot_to, plot(findings, plan.passage.seconds))
    if report is not None:
        real = None if footage.footage_hours is None else (footage.footage_hours, footage.footage_alarms)
        write_page(findings_page(findings, plan, real, typed_command("gammabox-edge")), report)
    if as_json:
        print(json.dumps({**findings.as_dict(), "footage": _footage(footage)}))
    else:
        _show(findings, plan, footage, Console(width=None if sys.stdout.isatty() else 120))
    return 0 if findings.within_stated else EXIT_CHECK_FAILED


def plan_of(background: BackgroundOptions, box: BoxOptions, source: SourceOptions, *, hours: float, seed: int) -> Plan:
    """Return what the options ask for.

    Raises
    ------
    GammaboxError
        The settings or the recording cannot be used, a list holds no numbers, or a nuclide is unknown.

    """
    settings = load_settings(box.config).alarm if box.config is not None else AlarmSettings()
    exposed = 1.0 if box.exposure is None else min(1.0, box.exposure * box.fps)
    pace = FramePace(box.fps, exposed * box.live)
    model = _background(background, pace)
    life = BoxLife(
        settings,
        model,
        pace,
        hours=min(MAX_LIFE_H, hours) if hours else MAX_LIFE_H,
        restart_h=box.restart_hours or None,
        lost_share=box.lost_state,
        calibrated=box.calibrated,
    )
    nuclides = [name.strip() for name in source.nuclides.split(",") if name.strip()]
    unknown = [name for name in nuclides if name not in RESPONSES]
    if unknown:
        raise SettingsError("--nuclides", [f"--nuclides: {shown_text(unknown[0])} is none of {', '.join(RESPONSES)}"])
    shape: Literal["stay", "pass"] = "pass" if source.passing else "stay"
    rates, dose_rates = _numbers("--rates", source.rates), _numbers("--dose-rates", source.dose_rates)
    return Plan(
        life,
        hours,
        Passage(settings, 0.0, source.seconds, shape, model, pace),
        sources_of(rates, nuclides, dose_rates, source.found),
        source.passages,
        seed,
    )


def _background(options: BackgroundOptions, pace: FramePace) -> BackgroundModel:
    if options.replay is None:
        return BackgroundModel(options.background_hz, options.dispersion, options.dispersion_seconds, options.day_swing)
    if options.dispersion > 1 or options.day_swing > 0:
        raise SettingsError("--replay", ["--replay goes without --dispersion and --day-swing: it has its own"])
    recording = read_recording(options.replay, options.replay_seconds, options.block_seconds)
    return BackgroundModel(recording.rate_hz / pace.live_share, recording=recording)


def _numbers(option: str, text: str) -> list[float]:
    try:
        values = [float(word) for word in text.split(",") if word.strip()]
    except ValueError:
        values = [-1.0]
    if not all(0 < value < 1e6 for value in values):
        raise SettingsError(
            option, [f"{option}: found {shown_text(text)}, expected numbers above 0 with commas between"]
        )
    return values


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Show on stderr, where it is a terminal, how many parts are done."""
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("simulating", total=None)
        yield lambda done, parts: bar.update(task, completed=done, total=parts)


def _footage(footage: FootageOptions) -> dict[str, object] | None:
    if footage.footage_hours is None:
        return None
    rate, interval = per_1000_h(footage.footage_alarms, footage.footage_hours)
    return {
        "hours": footage.footage_hours,
        "alarms": footage.footage_alarms,
        "alarms_per_1000_h": significant(rate),
        "interval_per_1000_h": [significant(end) for end in interval],
    }


def _show(findings: Findings, plan: Plan, footage: FootageOptions, console: Console) -> None:
    if findings.tally.live_hours:
        for line in _without_source(findings, plan):
            console.print(line, highlight=False)
    console.print(_footage_line(footage), highlight=False)
    for title, pairs in (
        ("extra rate", [pair for pair in findings.detections if pair[0].nuclide is None]),
        ("nuclide", [pair for pair in findings.detections if pair[0].nuclide is not None]),
    ):
        if pairs:
            console.print(_table(title, pairs, plan))


def _without_source(findings: Findings, plan: Plan) -> Iterator[str]:
    tally, background = findings.tally, plan.life.background
    kind = "replayed" if background.recording is not None else f"dispersion {background.dispersion:g}"
    rate, (low, high) = per_1000_h(tally.raised, tally.live_hours)
    yield (
        f"Without a source: {tally.hours:,.0f} h, {counted(tally.hits, 'hit')} ({background.rate_hz:g} per live "
        f"second, {kind}, day swing {background.day_swing:.0%})"
    )
    yield f"  {counted(tally.starts, 'start')} without a state file, {counted(tally.resumed, 'restart')} with one"
    yield (
        f"  statistical rate: {counted(tally.raised, 'false alarm')}, {rate:.3g} [{low:.3g}, {high:.3g}] in 1000 live "
        f"hours; stated: {findings.stated_per_1000_h:g}"
    )
    yield (
        f"  in the first 5 minutes after a start: {tally.early_raised} in {tally.early_hours:.1f} h; told as a changed "
        f"background: {tally.changed}; most messages of a box in a day: {tally.max_a_day}"
    )


def _footage_line(footage: FootageOptions) -> str:
    if footage.footage_hours is None:
        return "Real footage: not stated (--footage-hours, --footage-alarms). The simulation says nothing about it."
    rate, (low, high) = per_1000_h(footage.footage_alarms, footage.footage_hours)
    return (
        f"Real footage: {counted(footage.footage_alarms, 'alarm')} in {footage.footage_hours:g} h, {rate:.3g} "
        f"[{low:.3g}, {high:.3g}] in 1000 h. This is another figure than the statistical rate."
    )


def _table(title: str, pairs: list[tuple[Source, Detection]], plan: Plan) -> Table:
    manner = "passes within" if plan.passage.shape == "pass" else "stays"
    table = Table(title=f"A source that {manner} {plan.passage.seconds:g} s, {plan.passages} times each")
    for heading in (title, "µSv/h", "extra hits/s", "detected", "95 %", "median s", "90 % s"):
        table.add_column(heading, justify="left" if heading == title else "right", no_wrap=True)
    for source, detection in pairs:
        low, high = source.range_hz
        rate = f"{source.extra_hz:.3g}" + (f" ({low:.2g} to {high:.2g})" if source.nuclide else "")
        from_share, to_share = detection.probability_interval
        table.add_row(
            source.nuclide or "stated",
            "" if source.dose_rate_usv_h is None else f"{source.dose_rate_usv_h:g}",
            rate,
            f"{detection.probability:.3f}",
            f"{from_share:.3f} to {to_share:.3f}",
            *("-" if delay is None else f"{delay:.1f}" for delay in (detection.median_s, detection.p90_s)),
        )
    return table
