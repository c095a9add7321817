"""The command `gammabox-trainer export`; parses, calls, prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from trainer.commands.options import JsonOption


def register(app: typer.Typer) -> None:
    """Add the command to gammabox-trainer."""
    app.command("export")(export_command)


def export_command(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder of the dataset.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="New folder; an interrupted export is continued.")],
    form: Annotated[str, typer.Option("--format", help="webdataset (.tar files) or parquet.")] = "webdataset",
    as_json: JsonOption = False,
) -> None:
    """Write a dataset as WebDataset or Parquet, for other programs and for training on several machines."""
    from trainer.commands.recipe_options import one_of
    from trainer.data.dataset import Dataset
    from trainer.data.export import FORMATS, export
    from trainer.progress import progress_bar

    chosen, dataset = one_of("--format", form, FORMATS), Dataset.open(data)
    with progress_bar(dataset.count()[0]) as on_shard:
        files = export(dataset, out, chosen, on_shard=on_shard)
    size_bytes = sum(file.stat().st_size for file in files)
    if as_json:
        summary = {"path": str(out), "format": chosen, "files": [file.name for file in files], "bytes": size_bytes}
        print(json.dumps({**summary, "crops": dataset.count()[0]}))
        return
    print(f"{out}: {dataset.count()[0]:,} crops in {len(files)} files, {size_bytes / 1e6:.1f} MB")
