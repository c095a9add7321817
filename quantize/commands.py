"""Command line gammabox-quantize: parses, calls, prints."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from edge.commands import console
from edge.commands.console import typed_command
from edge.commands.options import with_option_groups
from quantize.options import CardOptions, ExtentOptions, OutputOptions, QuantisationOptions

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)

DataOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--data",
        metavar="DATA",
        help="Dataset folder; may be given several times. Default: the one the run was trained on.",
    ),
]


Force = Annotated[bool, typer.Option("--force", help="Overwrite files that this command did not write, too.")]


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=console.show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Turn a trained network into an int8 bundle and prove that it decides as the float network does."""


@app.command("convert")
@with_option_groups
def convert_command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder that gammabox-trainer fit wrote.")],
    out: Annotated[
        Path,
        typer.Option("--out", metavar="BUNDLE", help="Folder of the bundle to write; an earlier bundle is replaced."),
    ],
    quantisation: QuantisationOptions,
    card: CardOptions,
    data: DataOption = None,
    screen: Annotated[
        Path | None,
        typer.Option(
            "--screen", metavar="RUN", help="Run folder of the screen network that goes into the same bundle."
        ),
    ] = None,
    force: Force = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest as JSON.")] = False,
) -> None:
    """Quantise a run after training and write the bundle for the box."""
    from edge.bundle import require_bundle_place
    from quantize.bundling import bundle_run, datasets_of
    from quantize.conversion import load_tensorflow
    from trainer.training.run import Run

    settings = quantisation.settings()
    require_bundle_place(out, force=force)
    opened = Run.open(run)
    load_tensorflow()
    bundle = bundle_run(
        opened,
        out,
        datasets_of(opened, data or []),
        settings,
        screen=None if screen is None else Run.open(screen),
        name=card.name,
        limits=card.limit or [],
        command=typed_command("gammabox-quantize"),
        force=force,
    )
    manifest = bundle.manifest
    if as_json:
        print(manifest.model_dump_json(indent=2))
        return
    print(f"{out}: {manifest.size_bytes:,} bytes, {manifest.input.dtype} in, {manifest.output.dtype} out")
    print(f"input   {manifest.input.quantisation or 'float'}")
    print(f"output  {manifest.output.quantisation or 'float'}")
    print(f"hit     score ≥ {manifest.decision.threshold:.6g} at temperature {manifest.decision.temperature:g}")
    print(f"kinds   {json.dumps(manifest.provenance['operators'])}")


@app.command("check")
@with_option_groups
def check_command(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="Folder of the bundle.")],
    reference: Annotated[
        Path, typer.Option("--reference", metavar="RUN", help="Run folder that the bundle was converted from.")
    ],
    extent: ExtentOptions,
    output: OutputOptions,
    data: DataOption = None,
    screen_reference: Annotated[
        Path | None,
        typer.Option(
            "--screen-reference", metavar="RUN", help="Run folder of the bundle's screen, which is checked, too."
        ),
    ] = None,
) -> None:
    """Compare a bundle with the float networks it came from; exit code 1 when a limit is exceeded."""
    from edge.bundle import load_bundle
    from edge.pages.page import write_page
    from quantize.bundling import datasets_of
    from quantize.checking import check_bundle
    from quantize.conversion import load_tensorflow
    from quantize.page import check_page
    from quantize.pairing import pair_networks
    from quantize.report import as_dict, lines, record, verdict, write_json
    from trainer.training.run import Run

    _require_places(output)
    settings = extent.settings()
    run = Run.open(reference)
    load_tensorflow()
    pairs = pair_networks(load_bundle(bundle), run, None if screen_reference is None else Run.open(screen_reference))
    command = typed_command("gammabox-quantize")
    check = check_bundle(pairs, datasets_of(run, data or []), settings, clip=extent.clip, command=command)
    if output.report is not None:
        write_page(check_page(check), output.report)
    if output.keep is not None:
        write_json(check, output.keep)
    if output.record:
        record(check, pairs[0].bundle)
    if output.as_json:
        print(json.dumps(as_dict(check), indent=2, ensure_ascii=False))
    else:
        for line in lines(check):
            print(line)
        print(verdict(check))
    if not check.passed:
        raise typer.Exit(console.EXIT_CHECK_FAILED)


@app.command("compare")
def compare_command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder that gammabox-trainer fit wrote.")],
    data: DataOption = None,
    judge: Annotated[
        list[Path] | None,
        typer.Option(
            "--judge", metavar="DATA", help="Dataset folder whose test split is measured on. Default: that of --data."
        ),
    ] = None,
    screen: Annotated[
        Path | None,
        typer.Option("--screen", metavar="RUN", help="Run folder of the screen, to compare what both networks decide."),
    ] = None,
    qat: Annotated[
        int, typer.Option("--qat", min=0, help="Epochs of fine-tuning for the line of QAT; 0: no such line.")
    ] = 0,
    qat_steps: Annotated[
        int | None,
        typer.Option("--qat-steps", min=1, help="Batches in an epoch of fine-tuning. Default: all crops once."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON instead of a table.")] = False,
) -> None:
    """Convert a run in every way and print size, speed and loss of each side by side."""
    from quantize.bundling import datasets_of
    from quantize.compare import compare_recipes, table, usual_ways
    from quantize.conversion import load_tensorflow
    from quantize.qat import QatSettings
    from quantize.report import plain
    from trainer.data.dataset import Dataset
    from trainer.training.run import Run

    opened = Run.open(run)
    load_tensorflow()
    settings = QatSettings(epochs=qat, steps=qat_steps) if qat else None
    variants = compare_recipes(
        opened,
        datasets_of(opened, data or []),
        usual_ways(settings),
        screen=None if screen is None else Run.open(screen),
        judged_on=[Dataset.open(path) for path in judge or []],
        progress=lambda name: print(name, file=sys.stderr),
    )
    if as_json:
        print(json.dumps(plain(variants), indent=2, ensure_ascii=False))
        return
    for line in table(variants):
        print(line)


@app.command("time")
def time_command(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders that gammabox-trainer wrote.")],
    data: DataOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON instead of a table.")] = False,
) -> None:
    """Convert runs to int8, time them, and note the times in each run folder, where `study ablate` finds them."""
    from dataclasses import asdict

    from quantize.bundling import datasets_of
    from quantize.conversion import load_tensorflow
    from quantize.timing import table, time_run
    from trainer.training.run import Run

    opened = [Run.open(run) for run in runs]
    load_tensorflow()
    timed = [time_run(run, datasets_of(run, data or [])[0]) for run in opened]
    if as_json:
        print(json.dumps([asdict(times) for times in timed]))
        return
    for line in table(timed):
        print(line)


@app.command("reference")
def reference_command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder that a bundle was converted from.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="FOLDER", help="Folder of the copy; an earlier one is replaced.")
    ],
    force: Force = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print path and size as JSON.")] = False,
) -> None:
    """Write a small copy of a run with what `check` needs of it, always the same bytes, to keep beside the bundle."""
    from quantize.conversion import load_tensorflow
    from quantize.reference_run import export_reference, require_copy_place, size_bytes
    from trainer.training.run import Run

    require_copy_place(run, out, force=force)
    opened = Run.open(run)
    load_tensorflow()
    copy = export_reference(opened, out)
    if as_json:
        print(json.dumps({"path": str(out), "size_bytes": size_bytes(copy)}))
        return
    print(f"{out}: {size_bytes(copy):,} bytes")


def _require_places(output: OutputOptions) -> None:
    """Refuse to write over files of others before minutes of work."""
    from edge.output import begins_with, is_page, require_free
    from quantize.report import JSON_MARK

    if output.report is not None:
        require_free(output.report, is_page, force=output.force)
    if output.keep is not None:
        require_free(output.keep, begins_with(JSON_MARK), force=output.force)


def main() -> None:
    """Entry point of the console script."""
    console.run(app)
