"""Commands `gammabox-trainer study …` of networks: ablate, real-hits; parses, calls, prints."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from trainer.commands.options import (
    BundleOption,
    DataOption,
    JsonOption,
    ScreenOption,
    SeedOption,
    TestOption,
    bundle_or_none,
    warn,
)


def register(study: typer.Typer) -> None:
    """Add the commands to the group."""
    study.command("ablate")(ablate_command)
    study.command("real-hits")(real_hits_command)


def ablate_command(
    out: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="Folder for runs and ablate.json; an interrupted study is continued."),
    ],
    data: DataOption,
    test: TestOption,
    samples: Annotated[int, typer.Option(min=1, help="Samples that each variant sees.")] = 48_000,
    variant: Annotated[
        list[str] | None,
        typer.Option(help="Beginning of the name of a variant; repeatable \\[default: all]."),
    ] = None,
    seed: SeedOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Train alexnet_edge with one thing changed at a time and compare the figures.

    Give --data built with --fusion charge and with --fusion max, of crops of 96 pixels. To add the int8 times, run
    `gammabox-quantize time OUT/*` and then this command once more.
    """
    from dataclasses import replace

    from trainer.data.dataset import Dataset
    from trainer.errors import OptionError
    from trainer.studies.ablate import VARIANTS, Setting, ablate, decision_table, fusion_table, table

    names = tuple(known.name for known in VARIANTS)
    for beginning in variant or []:
        if not any(name.startswith(beginning) for name in names):
            raise OptionError("--variant", beginning, names)
    result = ablate(
        out,
        [Dataset.open(folder) for folder in data],
        [Dataset.open(folder) for folder in test],
        replace(Setting(), samples_seen=samples),
        variants=[known for known in VARIANTS if not variant or known.name.startswith(tuple(variant))],
        seed=seed,
        on_variant=lambda name: print(f"training {name}", file=sys.stderr),
    )
    if as_json:
        print(json.dumps(result))
        return
    print(table(result))
    print("\nHits that add at least 25 grey levels against everything else, at a false-positive rate of 1e-2:\n")
    print(fusion_table(result))
    for title, single_frame in (("One frame in colour", True), ("Three frames", False)):
        print(f"\n{title}, visible hits against everything else at even odds:\n")
        print(decision_table(result, single_frame=single_frame))


def real_hits_command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder of the classifier.")],
    hits: Annotated[
        list[Path],
        typer.Option(help="Folder of pictures of a covered camera in a radiation field; may be given several times."),
    ],
    footage: Annotated[
        list[Path], typer.Option(help="Video without a source that RUN was not trained on; may be given several times.")
    ],
    screen: ScreenOption = None,
    bundle: BundleOption = None,
    false_positive_rate: Annotated[
        float, typer.Option(min=1e-5, max=0.5, help="Share of the candidates without a hit that may be called hits.")
    ] = 1e-3,
    triples: Annotated[
        int,
        typer.Option(min=1, help="Number of frame triples. A rate of 1e-3 needs 20,000 candidates, about 90 a triple."),
    ] = 250,
    same_size: Annotated[
        bool, typer.Option("--same-size", help="Choose simulated hits of about as many pixels, too.")
    ] = False,
    nuclide: Annotated[
        list[str] | None,
        typer.Option(help="Radiation of the simulated hits; repeatable \\[default: all]."),
    ] = None,
    seed: SeedOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Compare recall of real hits with that of simulated hits, added at the same places of footage."""
    import numpy as np

    from trainer.commands.recipe_options import one_of
    from trainer.data.hits import RADIATIONS, hit_bank
    from trainer.judging.cascade import decisions_of
    from trainer.scenes.footage import require_footage
    from trainer.studies.hit_pictures import MANY, HitPictures, recorded_hits, simulated_hits
    from trainer.studies.paired_recall import compare_pairs, margins, table
    from trainer.studies.real_hits import Setting, strike_footage
    from trainer.training.run import Run

    opened = Run.open(run)
    first = None if screen is None else Run.open(screen)
    decisions = None if first is None else decisions_of(first, opened, bundle_or_none(bundle))
    rng = np.random.default_rng(seed)
    radiations = tuple(one_of("--nuclide", name, RADIATIONS) for name in nuclide or RADIATIONS)
    clips = require_footage(footage, warn)
    real = [recorded_hits(folder, MANY // len(hits), rng) for folder in hits]
    simulated = simulated_hits(hit_bank(radiations), MANY, rng)
    sizes = [network.manifest.input.crop_size for network in (opened, first) if network is not None]
    setting = Setting(triples=triples, same_size=same_size, seed=seed, crop_size=max(sizes) + 1 & ~1)
    struck = strike_footage(clips, HitPictures.of(np.concatenate(real)), HitPictures.of(simulated), setting)
    found = {
        name: compare_pairs(struck, margin, false_positive_rate)
        for name, margin in margins(struck.samples, opened, first, decisions).items()
    }
    if as_json:
        print(json.dumps({"triples": struck.frames, "pairs": len(struck.pairs), "unlike": struck.unlike, **found}))
    else:
        _print_recalls(found, table)


def _print_recalls(found: dict[str, dict[str, Any]], table: Callable[[dict[str, Any]], str]) -> None:
    for name, recalls in found.items():
        rate, negatives = recalls["false_positive_rate"], recalls["negatives"]
        note = "" if recalls["supported"] else ", too few to state the rate"
        print(f"{name}: at {rate:.2g} of {negatives} candidates without a hit{note}\n")
        print(table(recalls) + "\n")
