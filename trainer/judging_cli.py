"""Commands of gammabox-trainer that judge: ablate, real-hits; parses, calls, prints."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from trainer.models_cli import DataOption


def register(app: typer.Typer) -> None:
    """Add the commands to gammabox-trainer."""
    app.command("ablate")(ablate_command)


def ablate_command(
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="Folder for the runs and ablate.json; run again, it goes on.")
    ],
    data: DataOption,
    test: Annotated[list[Path], typer.Option(help="Dataset with a test split; may be given several times.")],
    samples: Annotated[int, typer.Option(min=1, help="Samples that each variant sees.")] = 60_000,
    variant: Annotated[
        list[str] | None, typer.Option(help="Only variants whose name begins so; may be given several times.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Train alexnet_edge with one thing changed at a time and table what it costs or gains.

    Give --data built with --fusion charge and with --fusion max, of crops of 96 pixels. The int8 times are filled in by
    `gammabox-quantize time OUT/*` and this command once more.
    """
    from dataclasses import replace

    from trainer.ablate import VARIANTS, Setting, ablate, fusion_table, table
    from trainer.data.dataset import Dataset
    from trainer.errors import OptionError

    names = tuple(one.name for one in VARIANTS)
    for begun in variant or []:
        if not any(name.startswith(begun) for name in names):
            raise OptionError("--variant", begun, names)
    result = ablate(
        out,
        [Dataset.open(folder) for folder in data],
        [Dataset.open(folder) for folder in test],
        replace(Setting(), samples_seen=samples),
        variants=[one for one in VARIANTS if not variant or one.name.startswith(tuple(variant))],
        seed=seed,
        on_variant=lambda name: print(f"training {name}", file=sys.stderr),
    )
    if as_json:
        print(json.dumps(result))
        return
    print(table(result))
    print("\nHits that add at least 25 grey levels against everything else, at a false-positive rate of 1e-2:\n")
    print(fusion_table(result))
