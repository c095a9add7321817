"""Command line gammabox-quantize: parses, calls, prints."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from edge.commands import console
from edge.commands.console import typed_command

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

DataOption = Annotated[
    Optional[list[Path]],  # noqa: UP045 - typer on Python 3.10 reads annotations at run time
    typer.Option(
        "--data",
        metavar="DATA",
        help="Dataset folder; may be given several times. Default: the one the run was trained on.",
    ),
]


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=console.show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Turn a trained network into an int8 bundle and prove that nothing was lost."""


@app.command("convert")
def convert_command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder that gammabox-trainer fit wrote.")],
    out: Annotated[
        Path,
        typer.Option("--out", metavar="BUNDLE", help="Folder of the bundle to write; one that is there is replaced."),
    ],
    data: DataOption = None,
    screen: Annotated[
        Optional[Path],  # noqa: UP045 - as above
        typer.Option(
            "--screen", metavar="RUN", help="Run folder of the screen network that goes into the same bundle."
        ),
    ] = None,
    recipe: Annotated[
        str,
        typer.Option(
            "--recipe",
            help="static_wi8_ai8 is what the box runs; float16, dynamic and float32 are for comparison.",
        ),
    ] = "static_wi8_ai8",
    per_tensor: Annotated[
        bool, typer.Option("--per-tensor", help="One scale for all weights of a layer instead of one a channel.")
    ] = False,
    qat: Annotated[
        int,
        typer.Option(
            "--qat", min=0, help="Epochs of quantisation-aware fine-tuning; 0: quantise after training (PTQ)."
        ),
    ] = 0,
    qat_rate: Annotated[float, typer.Option("--qat-rate", min=1e-8, help="Learning rate of the fine-tuning.")] = 1e-4,
    representative: Annotated[
        int, typer.Option("--representative", min=1, help="Crops that show the network its ranges.")
    ] = 400,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Chooses those crops.")] = 1,
    name: Annotated[
        Optional[str],  # noqa: UP045 - as above
        typer.Option("--name", help="Name in the manifest. Default: that of the folder."),
    ] = None,
    limit: Annotated[
        Optional[list[str]],  # noqa: UP045 - as above
        typer.Option("--limit", help="A sentence for the model card: what this model cannot do or was never shown."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest as JSON.")] = False,
) -> None:
    """Quantise a run after training and write the bundle for the box."""
    from quantize.bundling import Settings, bundle_run, datasets_of
    from quantize.convert import RECIPES, load_tensorflow
    from quantize.qat import QatSettings
    from trainer.training.run import Run

    if recipe not in RECIPES:
        raise typer.BadParameter(f"{recipe!r} is none of {', '.join(RECIPES)}", param_hint="--recipe")
    load_tensorflow()
    opened = Run.open(run)
    bundle = bundle_run(
        opened,
        out,
        datasets_of(opened, data or []),
        Settings(
            recipe=recipe,
            per_channel=not per_tensor,
            representative=representative,
            seed=seed,
            qat=None if qat == 0 else QatSettings(epochs=qat, learning_rate=qat_rate, seed=seed),
        ),
        screen=None if screen is None else Run.open(screen),
        name=name,
        limits=limit or [],
        command=typed_command("gammabox-quantize"),
    )
    manifest = bundle.manifest
    if as_json:
        print(manifest.model_dump_json(indent=2))
        return
    print(f"{out}: {manifest.size_bytes:,} bytes, {manifest.input.dtype} in, {manifest.output.dtype} out")
    print(f"input   {_quantisation(manifest.input.quantisation)}")
    print(f"output  {_quantisation(manifest.output.quantisation)}")
    print(f"hit     score ≥ {manifest.decision.threshold:.6g} at temperature {manifest.decision.temperature:g}")
    print(f"kinds   {json.dumps(manifest.provenance['operators'])}")


@app.command("check")
def check_command(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="Folder of the bundle.")],
    reference: Annotated[
        Path, typer.Option("--reference", metavar="RUN", help="Run folder that the bundle was converted from.")
    ],
    data: DataOption = None,
    screen_reference: Annotated[
        Optional[Path],  # noqa: UP045 - as above
        typer.Option("--screen-reference", metavar="RUN", help="Run folder of the bundle's screen; it is checked too."),
    ] = None,
    limits: Annotated[
        Optional[list[str]],  # noqa: UP045 - as above
        typer.Option(
            "--limits", help="NAME=VALUE of a limit; may be given several times. docs/quantisation.md lists all."
        ),
    ] = None,
    others: Annotated[
        Optional[list[str]],  # noqa: UP045 - as above
        typer.Option(
            "--with",
            help="Compare with another runtime too: tflite-runtime, cortex-a72 or cortex-a76; built when missing.",
        ),
    ] = None,
    clip: Annotated[
        Optional[Path],  # noqa: UP045 - as above
        typer.Option(
            "--clip", help="Also compare the whole pipelines on this clip; its truth may lie beside as .jsonl."
        ),
    ] = None,
    split: Annotated[str, typer.Option("--split", help="Part of the data to judge on: test or validation.")] = "test",
    report: Annotated[
        Optional[Path],  # noqa: UP045 - as above
        typer.Option("--report", help="Write a page to look at."),
    ] = None,
    keep: Annotated[
        Optional[Path],  # noqa: UP045 - as above
        typer.Option("--keep", help="Write the figures as JSON."),
    ] = None,
    note: Annotated[bool, typer.Option("--record", help="Write the main figures into the bundle's manifest.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON instead of lines.")] = False,
) -> None:
    """Compare a bundle with the float networks it came from; exit code 1 when a limit is exceeded."""
    from edge.bundle import load_bundle
    from quantize.bundling import datasets_of
    from quantize.check import CheckSettings, check_bundle
    from quantize.convert import load_tensorflow
    from quantize.environments import foreign
    from quantize.limits import parse_limits
    from quantize.pairing import pair_networks
    from quantize.report import as_dict, lines, record, verdict, write_html, write_json
    from trainer.training.run import Run

    if split not in {"test", "validation"}:
        raise typer.BadParameter(f"{split!r} is neither test nor validation", param_hint="--split")
    settings = CheckSettings(
        limits=parse_limits(limits or []),
        split="validation" if split == "validation" else "test",
        foreign=tuple(foreign(name) for name in others or []),
    )
    load_tensorflow()
    run = Run.open(reference)
    pairs = pair_networks(load_bundle(bundle), run, None if screen_reference is None else Run.open(screen_reference))
    command = typed_command("gammabox-quantize")
    check = check_bundle(pairs, datasets_of(run, data or []), settings, clip=clip, command=command)
    if report is not None:
        write_html(check, report)
    if keep is not None:
        write_json(check, keep)
    if note:
        record(check, pairs[0].bundle)
    if as_json:
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
        Optional[list[Path]],  # noqa: UP045 - as above
        typer.Option(
            "--judge", metavar="DATA", help="Dataset folder whose test split is measured on. Default: that of --data."
        ),
    ] = None,
    screen: Annotated[
        Optional[Path],  # noqa: UP045 - as above
        typer.Option("--screen", metavar="RUN", help="Run folder of the screen; then what both decide is compared."),
    ] = None,
    qat: Annotated[
        int, typer.Option("--qat", min=0, help="Epochs of fine-tuning for the QAT line; 0: no such line.")
    ] = 0,
    qat_steps: Annotated[
        Optional[int],  # noqa: UP045 - as above
        typer.Option("--qat-steps", min=1, help="Batches an epoch of it. Default: all crops once."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON instead of a table.")] = False,
) -> None:
    """Convert a run in every way there is and show size, speed and cost of each side by side."""
    from quantize.bundling import datasets_of
    from quantize.compare import compare_recipes, table, usual_ways
    from quantize.convert import load_tensorflow
    from quantize.qat import QatSettings
    from quantize.report import plain
    from trainer.data.dataset import Dataset
    from trainer.training.run import Run

    load_tensorflow()
    opened = Run.open(run)
    settings = None
    if qat:
        settings = QatSettings(epochs=qat, steps=qat_steps)
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
    """Convert runs to int8, time them in turn and note it in each run folder, where `study ablate` finds it."""
    from dataclasses import asdict

    from quantize.bundling import datasets_of
    from quantize.convert import load_tensorflow
    from quantize.timing import table, time_run
    from trainer.training.run import Run

    load_tensorflow()
    opened = [Run.open(run) for run in runs]
    timed = [time_run(run, datasets_of(run, data or [])[0]) for run in opened]
    if as_json:
        print(json.dumps([asdict(one) for one in timed]))
        return
    for line in table(timed):
        print(line)


@app.command("reference")
def reference_command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder that a bundle was converted from.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="FOLDER", help="Folder of the copy; an earlier one is replaced.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print path and size as JSON.")] = False,
) -> None:
    """Keep what `check` needs of a run, small and the same bytes each time, to ship it with the bundle."""
    from quantize.convert import load_tensorflow
    from quantize.reference_run import export_reference, size_bytes
    from trainer.training.run import Run

    load_tensorflow()
    copy = export_reference(Run.open(run), out)
    if as_json:
        print(json.dumps({"path": str(out), "size_bytes": size_bytes(copy)}))
        return
    print(f"{out}: {size_bytes(copy):,} bytes")


def _quantisation(found: object) -> str:
    return "float" if found is None else str(found)


def main() -> None:
    """Entry point of the console script."""
    console.run(app)
