"""The command `gammabox-edge calibrate`: measures a camera and its site, guided on a terminal or by options."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from rich.table import Table

from edge.bundle import load_bundle, shipped_bundle_path
from edge.commands.console import EXIT_CHECK_FAILED
from edge.commands.guide import Guide
from edge.config.device import load_settings
from edge.errors import OutputError
from edge.process import set_up_process
from edge.site.calibration import CalibrationError, read_calibration, write_calibration
from edge.site.camera import is_camera, open_camera
from edge.site.dark import LightLeakError, wait_for_lens
from edge.site.exposure import TRIED_SHARES, best, gains_of, measure, try_out
from edge.site.procedure import Procedure
from edge.site.survey import UnusableViewError
from edge.statistics import poisson_interval
from edge.text import counted, significant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typing_extensions import Self

    from edge.capture.base import Source
    from edge.capture.frame import Frame
    from edge.commands.site_options import CalibrateOptions
    from edge.config.device import DeviceSettings
    from edge.detect.manifest import Manifest
    from edge.site.calibration import Calibration
    from edge.site.exposure import Trial
    from edge.site.procedure import DarkPart
    from edge.site.survey import Survey

PATIENCE_S = 60.0
"""Time to cover or uncover the lens where nobody is asked."""


AUTOMATIC = "not calibrated: the exposure is automatic; set source.exposure_s in the settings and calibrate again\n"


def run(config: Path, options: CalibrateOptions, *, as_json: bool) -> int:
    """Measure a camera and its site and write the calibration. Return the exit code.

    Raises
    ------
    GammaboxError
        Settings, source or model cannot be used, or the file cannot be written.

    """
    settings = load_settings(config)
    _require_own(settings.calibration, force=options.force)
    bundle = load_bundle(settings.model if settings.model is not None else shipped_bundle_path())
    set_up_process()
    guide = Guide(ask=not options.yes)
    try:
        if options.try_exposures and is_camera(settings.source) and options.live is None:
            _show_trials(settings, bundle.manifest, guide)
        if is_camera(settings.source) and settings.source.exposure_s is None:
            sys.stderr.write(AUTOMATIC)
            return EXIT_CHECK_FAILED
        with Cameras(settings, options) as cameras:
            procedure = Procedure(settings, bundle, cameras.view_source().mode)
            dark = _dark(procedure, cameras, guide, options)
            view = _view(procedure, cameras, guide, options, dark)
            calibration = procedure.calibration(dark, view, cameras.view_source().reference)
    except (_RefusedError, LightLeakError, UnusableViewError) as error:
        sys.stderr.write(f"not calibrated: {error}\n")
        return EXIT_CHECK_FAILED
    if settings.calibration is None:
        raise ValueError("load_settings names a file for the calibration")
    write_calibration(settings.calibration, calibration)
    print(
        json.dumps(summary(calibration, settings.calibration))
        if as_json
        else as_text(calibration, settings.calibration)
    )
    if (warning := doubt(calibration)) is not None:
        sys.stderr.write(f"warning: {warning}\n")
    return 0


def _require_own(path: Path | None, *, force: bool) -> None:
    """Refuse a file that is no calibration before minutes of measuring."""
    if path is None or force:
        return
    try:
        read_calibration(path)
    except CalibrationError as error:
        raise OutputError(
            path, "is there already and is no whole calibration", "move it away, or add --force"
        ) from error


class _RefusedError(Exception):
    """A step that did not come out well. The message says why."""


class Cameras:
    """The sources of both parts: the camera of the settings, or recordings of it."""

    def __init__(self, settings: DeviceSettings, options: CalibrateOptions) -> None:
        self._source = settings.source
        self._clips = {"covered": options.covered, "live": options.live}
        self._stack = ExitStack()
        self._open: dict[str, tuple[Source, Iterator[Frame]]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def view_source(self) -> Source:
        """Return the source of the view."""
        return self._opened("live")[0]

    def frames(self, part: str) -> Iterator[Frame]:
        """Return the frames of a part; of a camera they go on where the part before has ended."""
        source, frames = self._opened(part)
        if part == "covered" and (source.live or self._clips[part] is not None):
            # A picture that is black without any noise repeats the one before, and yet it counts.
            return source.pictures()
        return frames

    def needs_lens(self, part: str) -> bool:
        """Whether the lens has to be covered or uncovered for a part: for recordings it was."""
        return self._clips[part] is None

    def _opened(self, part: str) -> tuple[Source, Iterator[Frame]]:
        clip = self._clips[part]
        name = "camera" if clip is None else str(clip)
        if name not in self._open:
            source = self._stack.enter_context(
                open_camera(self._source) if clip is None else open_camera(self._source, spec=name)
            )
            self._open[name] = (source, iter(source))
        return self._open[name]


def _dark(procedure: Procedure, cameras: Cameras, guide: Guide, options: CalibrateOptions) -> DarkPart:
    frames = cameras.frames("covered")
    if cameras.needs_lens("covered"):
        guide.tell("Cover the lens so that no light comes in: a cap, or black tape over it.")
        guide.wait("Press Enter when it is covered")
        if not wait_for_lens(frames, covered=True, patience_s=PATIENCE_S):
            raise _RefusedError("the picture is not dark: cover the lens so that no light comes in")
    with guide.progress("covered", options.covered_seconds) as progress:
        return procedure.dark(frames, options.covered_seconds, options.noise_rate, progress)


def _view(procedure: Procedure, cameras: Cameras, guide: Guide, options: CalibrateOptions, dark: DarkPart) -> Survey:
    frames = cameras.frames("live")
    if cameras.needs_lens("live"):
        guide.tell("Uncover the lens. People may pass, but no radiation source may be near until this is over.")
    if not guide.confirms("Is no source near?", unasked=True):
        raise _RefusedError("the background may be measured only where no source is near")
    if (
        cameras.needs_lens("live")
        and not wait_for_lens(frames, covered=False, patience_s=PATIENCE_S)
        and not guide.confirms("The picture is still dark. Is the lens uncovered?", unasked=False)
    ):
        raise _RefusedError("the picture is still dark: uncover the lens, or calibrate by day")
    with guide.progress("view", options.live_seconds) as progress:
        return procedure.view(frames, dark, options.live_seconds, progress)


def _show_trials(settings: DeviceSettings, manifest: Manifest, guide: Guide) -> None:
    """Try exposures and gains, and show what each gives and which is best."""
    source = settings.source
    gains = (source.gain,) if source.gain is not None else gains_of(source.spec)
    guide.tell("Trying exposures and gains in the present light; leave the lens uncovered for it.")
    guide.wait("Press Enter to begin")
    try:
        with open_camera(source) as camera:
            period_s = measure(camera, manifest).period_s
        trials = try_out(
            lambda exposure_s, gain: open_camera(source, exposure_s=exposure_s, gain=gain),
            [share * period_s for share in TRIED_SHARES],
            gains,
            manifest,
        )
    except ValueError as error:
        raise _RefusedError(str(error)) from error
    chosen = best(trials)
    guide.show(trial_table(trials, chosen))
    if chosen.exposure_s is not None:
        wanted = f"exposure_s: {significant(chosen.exposure_s):g}"
        wanted += "" if chosen.gain is None else f", gain: {significant(chosen.gain):g}"
        guide.tell(f"Best in this light, for `source` in the settings: {wanted}")


def trial_table(trials: list[Trial], chosen: Trial) -> Table:
    """Return what each exposure and gain gives, the chosen one marked."""
    table = Table(title="How much of the time a hit would be seen")
    for name in ("exposure", "gain", "frames/s", "mean grey", "noise", "white", "live"):
        table.add_column(name, justify="right")
    for trial in trials:
        table.add_row(
            "auto" if trial.exposure_s is None else f"{trial.exposure_s * 1e3:.1f} ms",
            "" if trial.gain is None else f"{trial.gain:g}",
            f"{trial.fps:.1f}",
            f"{trial.brightness_dn:.0f}",
            f"{trial.noise_dn:.1f}",
            f"{trial.saturated:.0%}",
            f"{trial.live_s_per_s:.0%}",
            style="bold green" if trial is chosen else "",
        )
    return table


def doubt(calibration: Calibration) -> str | None:
    """Return what speaks against a background: radiation passes the cap, so the view must not show more hits."""
    dark, background = calibration.dark, calibration.background
    if not dark.live_s:
        return None
    max_dark_hz = poisson_interval(dark.hits)[1] / dark.live_s
    if poisson_interval(background.hits)[0] / background.live_s <= max_dark_hz:
        return None
    rate_hz = background.hits / background.live_s
    return (
        f"the view shows {rate_hz:.2g} hits/s, the covered lens {max_dark_hz:.2g} at most, and "
        "radiation passes the cap: either a source came near meanwhile, which the box would take for background, or "
        "something in the view looks like hits; make sure that no source is near, and calibrate again"
    )


def summary(calibration: Calibration, path: Path) -> dict[str, object]:
    """Return the result without the long lists, for --json."""
    told = calibration.model_dump(mode="json", exclude={"noise_dn": True, "dark": {"hot_pixels", "maxima"}})
    told["dark"]["hot_pixels"] = len(calibration.dark.hot_pixels)
    low, high = poisson_interval(calibration.background.hits)
    live_s = calibration.background.live_s
    told["background"] |= {
        "rate_hz": significant(calibration.background.hits / live_s),
        "rate_interval_hz": [significant(low / live_s), significant(high / live_s)],
    }
    return {"path": str(path), **told}


def as_text(calibration: Calibration, path: Path) -> str:
    """Return the result for people."""
    dark, background = calibration.dark, calibration.background
    low, high = poisson_interval(background.hits)
    live_s = background.live_s
    dark_rate = f"{dark.hits / dark.live_s:.2g} hits/s" if dark.live_s else "none live"
    heat = "" if calibration.temperature_c is None else f", at {calibration.temperature_c:.0f} °C"
    covered = (
        f"covered: noise {dark.sigma_dn:.1f} grey levels{heat}, {counted(len(dark.hot_pixels), 'hot pixel')}, "
        f"candidates from {dark.threshold_dn:g} grey levels up, {dark_rate}"
    )
    view = (
        f"view: {counted(background.hits, 'hit')} in {live_s:.0f} live seconds, "
        f"{background.hits / live_s:.2g} hits/s (95 % interval {low / live_s:.2g} to {high / live_s:.2g}); "
        f"{background.live_fraction:.0%} live, mean grey {background.brightness_dn:.0f}"
    )
    return f"{covered}\n{view}\nstored in {path}; restart the agent to use it"
