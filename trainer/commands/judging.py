"""Commands of gammabox-trainer that judge: evaluate, ablate, real-hits; parses, calls, prints."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from trainer.commands.models import DataOption

ScreenOption = Annotated[
    Path | None, typer.Option(help="Run folder of the screen: judge both as the one decision that the agent makes.")
]
BundleOption = Annotated[
    Path | None, typer.Option(help="With --screen: take both decisions from this bundle instead of the runs.")
]


def register(app: typer.Typer) -> None:
    """Add the commands to gammabox-trainer."""
    app.command("evaluate")(evaluate_command)
    app.command("ablate")(ablate_command)
    app.command("real-hits")(real_hits_command)


def evaluate_command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder that `fit` wrote.")],
    data: DataOption,
    chosen_on: Annotated[
        list[Path] | None,
        typer.Option(help="Datasets whose validation split chooses threshold and temperature \\[default: --data]."),
    ] = None,
    split: Annotated[str, typer.Option(help="Which split the figures are of: test or validation.")] = "test",
    false_positive_rate: Annotated[
        float, typer.Option(min=1e-6, max=0.5, help="Share of negative candidates that may be called hits.")
    ] = 1e-3,
    keep_recall: Annotated[
        float | None,
        typer.Option(min=0.5, max=1, help="For a screen: the threshold keeps this share of the visible hits instead."),
    ] = None,
    decide_anew: Annotated[
        bool, typer.Option("--decide-anew", help="Replace a decision that `cascade` made, too.")
    ] = False,
    screen: ScreenOption = None,
    bundle: BundleOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print every figure as JSON.")] = False,
) -> None:
    """Judge a run on the test split; its threshold and temperature come from the validation split, into run.json.

    Writes evaluation.html and evaluation.json into the run folder. A decision that `cascade` made stays as it is. With
    --screen the files are named both-evaluation.
    """
    if decide_anew and screen is not None:
        raise typer.BadParameter("with --screen nothing is decided; leave out one of them", param_hint="--decide-anew")
    from trainer.commands.recipe_options import one_of
    from trainer.data.dataset import Dataset, Split
    from trainer.judging.evaluate import evaluate
    from trainer.judging.report import write_report
    from trainer.training.run import Run

    opened, datasets = Run.open(run), [Dataset.open(folder) for folder in data]
    chosen = [Dataset.open(folder) for folder in chosen_on] if chosen_on else None
    splits: tuple[Split, ...] = ("test", "validation")
    part = one_of("--split", split, splits)
    if screen is None:
        opened, judged, found = evaluate(
            opened,
            datasets,
            false_positive_rate=false_positive_rate,
            keep_recall=keep_recall,
            split=part,
            chosen_on=chosen,
            decide_anew=decide_anew,
        )
    else:
        from trainer.judging.cascade import decisions_of, evaluate_both

        first = Run.open(screen)
        decisions = decisions_of(first, opened, _bundle(bundle))
        judged, found = evaluate_both(first, opened, datasets, decisions, split=part, chosen_on=chosen)
        found["bundle"] = None if bundle is None else bundle.name
    page = write_report(opened, judged, found)
    if as_json:
        print(json.dumps(found))
        return
    if screen is None:
        print(f"{run}: threshold {found['threshold']:.4g}, temperature {found['temperature']:.3g}")
        if opened.manifest.has_decision_of_cascade:
            print("run.json keeps the decision of `cascade`; --decide-anew replaces it", file=sys.stderr)
    else:
        of = "the runs" if bundle is None else f"the bundle {bundle.name}"
        print(f"{run} behind {screen}: threshold {found['threshold']:.4g} of the joint score, decisions of {of}")
    _print_part("visible hits against everything else", found["visible_hits"])
    _print_part("all hits against everything else", found["all_hits"])
    prior = ", without the prior of motion" if screen else ""
    best = f"at the threshold of the best F1, {found['best_f1']['threshold']:.4g}{prior}"
    _print_part(f"visible hits {best}", found["best_f1"], rates=screen is not None)  # alone they are those above
    if "whole_chain" in found:
        told = "visible hits, those counted as missed that the fast path does not propose"
        _print_part(told, found["whole_chain"])
        _print_part(f"{told}, {best}", found["whole_chain_best_f1"])
    print(f"report: {page}")


def _bundle(path: Path | None) -> Any:  # noqa: ANN401 - the type is in the room that is imported late
    from edge.bundle import load_bundle

    return None if path is None else load_bundle(path)


def _print_part(title: str, part: dict[str, Any], *, rates: bool = True) -> None:
    print(f"{title}:")
    for name in ("precision", "recall", "f1", "accuracy"):
        one = part[name]
        print(f"  {name:<10}{_figure(one['value'])}  ({_figure(one['low'])} to {_figure(one['high'])})")
    for point in part.get("at_false_positive_rate", []) if rates else []:
        interval = f"{point['recall_low']:.4f} to {point['recall_high']:.4f}"
        recall = f"{point['recall']:.4f}  ({interval})" if point["supported"] else interval
        note = "" if point["supported"] else "  (too few negatives for a figure)"
        print(f"  recall {recall} at false-positive rate {point['target']:g}{note}")


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def ablate_command(
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="Folder for the runs and ablate.json; run again, it goes on.")
    ],
    data: DataOption,
    test: Annotated[list[Path], typer.Option(help="Dataset with a test split; may be given several times.")],
    samples: Annotated[int, typer.Option(min=1, help="Samples that each variant sees.")] = 48_000,
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

    from trainer.data.dataset import Dataset
    from trainer.errors import OptionError
    from trainer.studies.ablate import VARIANTS, Setting, ablate, decision_table, fusion_table, table

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
    for told, single_frame in (("One frame in colour", True), ("Three frames", False)):
        print(f"\n{told}, visible hits against everything else at even odds:\n")
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
        float, typer.Option(min=1e-5, max=0.5, help="Of what the fast path proposes without hits.")
    ] = 1e-3,
    triples: Annotated[
        int, typer.Option(min=1, help="Times three frames; 1e-3 needs 20,000 candidates, about 90 a triple.")
    ] = 250,
    same_size: Annotated[
        bool, typer.Option("--same-size", help="Choose simulated hits of about as many pixels, too.")
    ] = False,
    nuclide: Annotated[
        list[str] | None, typer.Option(help="Radiation of the simulated hits; may be repeated. Default all.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Compare recall of real hits with that of simulated ones at the same places of footage never trained on."""
    import numpy as np

    from trainer.commands.recipe_options import one_of
    from trainer.data.hits import RADIATIONS, hit_bank
    from trainer.judging.cascade import decisions_of
    from trainer.scenes.footage import require_footage
    from trainer.studies.hit_pictures import MANY, HitPictures, recorded_hits, simulated_hits
    from trainer.studies.pairs import compare_pairs, margins, table
    from trainer.studies.real_hits import Setting, strike_footage
    from trainer.training.run import Run

    opened = Run.open(run)
    first = None if screen is None else Run.open(screen)
    decisions = None if first is None else decisions_of(first, opened, _bundle(bundle))
    rng = np.random.default_rng(seed)
    radiations = tuple(one_of("--nuclide", one, RADIATIONS) for one in nuclide or RADIATIONS)
    clips = require_footage(footage)
    real = [recorded_hits(folder, MANY // len(hits), rng) for folder in hits]
    simulated = simulated_hits(hit_bank(radiations), MANY, rng)
    sizes = [one.manifest.input.crop_size for one in (opened, first) if one is not None]
    setting = Setting(triples=triples, same_size=same_size, seed=seed, crop_size=max(sizes) + 1 & ~1)
    struck = strike_footage(clips, HitPictures.of(np.concatenate(real)), HitPictures.of(simulated), setting)
    found = {
        name: compare_pairs(struck, margin, false_positive_rate)
        for name, margin in margins(struck.samples, opened, first, decisions).items()
    }
    if as_json:
        print(json.dumps({"triples": struck.frames, "pairs": len(struck.pairs), "unlike": struck.unlike, **found}))
        return
    for name, one in found.items():
        note = "" if one["supported"] else ", too few to state the rate"
        print(f"{name}: at {one['false_positive_rate']:.2g} of {one['negatives']} candidates without a hit{note}\n")
        print(table(one) + "\n")
