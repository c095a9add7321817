"""Commands of gammabox-trainer that judge: evaluate, compare, cascade, sensitivity; parses, calls, prints."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import typer

from edge.commands.console import typed_command
from edge.commands.options import with_option_groups
from edge.detect.crops import Planes
from trainer.commands.options import (
    BundleOption,
    CameraOption,
    DataOption,
    JsonOption,
    ModelOption,
    NuclideOption,
    ScreenOption,
    SeedOption,
    SetOption,
    SizeOption,
    TestOption,
    bundle_or_none,
    bundle_or_shipped,
    camera_of_size,
    count_progress,
)

if TYPE_CHECKING:
    from trainer.data.dataset import Dataset
    from trainer.judging.evaluate import Judged
    from trainer.training.run import Run

SENSITIVITY_DEPENDS_ON = (
    "gain",
    "tone_gamma",
    "jpeg_quality",
    "defect_correction",
    "defect_threshold",
    "temporal_denoise",
)
JudgedSplit = Literal["test", "validation"]


def register(app: typer.Typer) -> None:
    """Add the commands to gammabox-trainer."""
    app.command("evaluate")(evaluate_command)
    app.command("compare")(compare_command)
    app.command("cascade")(cascade_command)
    app.command("sensitivity")(sensitivity_command)


@dataclass(frozen=True, slots=True)
class DecisionOptions:
    """How threshold and temperature of one network are chosen."""

    panel: ClassVar[str] = "Threshold and temperature"
    chosen_on: Annotated[
        list[Path] | None,
        typer.Option(help="Datasets whose validation split chooses threshold and temperature \\[default: --data]."),
    ] = None
    false_positive_rate: Annotated[
        float, typer.Option(min=1e-6, max=0.5, help="Share of negative candidates that may be called hits.")
    ] = 1e-3
    keep_recall: Annotated[
        float | None,
        typer.Option(min=0.5, max=1, help="For a screen: the threshold keeps this share of the visible hits instead."),
    ] = None
    decide_anew: Annotated[bool, typer.Option("--decide-anew", help="Replace a decision that `cascade` made, too.")] = (
        False
    )


@dataclass(frozen=True, slots=True)
class JointOptions:
    """Which screen decides together with the network."""

    panel: ClassVar[str] = "Screen and classifier together"
    screen: ScreenOption = None
    bundle: BundleOption = None


@with_option_groups
def evaluate_command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder that `fit` wrote.")],
    data: DataOption,
    decision: DecisionOptions,
    joint: JointOptions,
    split: Annotated[JudgedSplit, typer.Option(help="Which split the figures are of.")] = "test",
    as_json: Annotated[bool, typer.Option("--json", help="Print every figure as JSON.")] = False,
) -> None:
    """Judge a run on the test split, with threshold and temperature from the validation split.

    Writes the decision into run.json, and evaluation.html and evaluation.json into the run folder. A decision that
    `cascade` made stays as it is. With --screen the files are named both-evaluation.
    """
    if decision.decide_anew and joint.screen is not None:
        raise typer.BadParameter("with --screen no decision is made; leave out one", param_hint="--decide-anew")
    from trainer.data.dataset import Dataset
    from trainer.judging.report import write_report
    from trainer.training.run import Run

    datasets = [Dataset.open(folder) for folder in data]
    opened, judged, found = _evaluated(Run.open(run), datasets, split, decision, joint)
    page = write_report(opened, judged, found)
    if as_json:
        print(json.dumps(found))
        return
    if joint.screen is None:
        print(f"{run}: threshold {found['threshold']:.4g}, temperature {found['temperature']:.3g}")
        if opened.manifest.has_decision_of_cascade:
            print("run.json keeps the decision of `cascade`; --decide-anew replaces it", file=sys.stderr)
    else:
        source = "the runs" if joint.bundle is None else f"the bundle {joint.bundle.name}"
        threshold = f"threshold {found['threshold']:.4g} of the joint score"
        print(f"{run} behind {joint.screen}: {threshold}, decisions of {source}")
    _print_figures(found, joint=joint.screen is not None)
    print(f"report: {page}")


def _evaluated(
    run: Run, datasets: list[Dataset], split: JudgedSplit, decision: DecisionOptions, joint: JointOptions
) -> tuple[Run, Judged, dict[str, Any]]:
    """Return the run, what was judged, and the figures: of the run alone, or of both networks with a screen."""
    from trainer.data.dataset import Dataset
    from trainer.judging.cascade import decisions_of, evaluate_both
    from trainer.judging.evaluate import evaluate
    from trainer.training.run import Run

    chosen_on = [Dataset.open(folder) for folder in decision.chosen_on] if decision.chosen_on else None
    if joint.screen is None:
        return evaluate(
            run,
            datasets,
            false_positive_rate=decision.false_positive_rate,
            keep_recall=decision.keep_recall,
            split=split,
            chosen_on=chosen_on,
            decide_anew=decision.decide_anew,
        )
    screen = Run.open(joint.screen)
    decisions = decisions_of(screen, run, bundle_or_none(joint.bundle))
    judged, found = evaluate_both(screen, run, datasets, decisions, split=split, chosen_on=chosen_on)
    return run, judged, {**found, "bundle": None if joint.bundle is None else joint.bundle.name}


def _print_figures(found: dict[str, Any], *, joint: bool) -> None:
    _print_part("visible hits against everything else", found["visible_hits"])
    _print_part("all hits against everything else", found["all_hits"])
    prior = ", without the prior of motion" if joint else ""
    best = f"at the threshold of the best F1, {found['best_f1']['threshold']:.4g}{prior}"
    _print_part(f"visible hits {best}", found["best_f1"], rates=joint)  # of one network alone they are those above
    if "whole_chain" in found:
        title = "visible hits, where hits that the fast path does not propose count as missed"
        _print_part(title, found["whole_chain"])
        _print_part(f"{title}, {best}", found["whole_chain_best_f1"])


def _print_part(title: str, part: dict[str, Any], *, rates: bool = True) -> None:
    print(f"{title}:")
    for name in ("precision", "recall", "f1", "accuracy"):
        figure = part[name]
        print(f"  {name:<10}{_figure(figure['value'])}  ({_figure(figure['low'])} to {_figure(figure['high'])})")
    for point in part.get("at_false_positive_rate", []) if rates else []:
        interval = f"{point['recall_low']:.4f} to {point['recall_high']:.4f}"
        recall = f"{point['recall']:.4f}  ({interval})" if point["supported"] else interval
        note = "" if point["supported"] else "  (too few negatives for a figure)"
        print(f"  recall {recall} at false-positive rate {point['target']:g}{note}")


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def compare_command(
    out: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="Folder for runs and compare.json; an interrupted comparison is continued."),
    ],
    data: DataOption,
    test: TestOption,
    samples: Annotated[
        int | None, typer.Option(min=1, help="Samples that each network sees \\[default: 12000, or the paper's size].")
    ] = None,
    paper_size: Annotated[
        bool, typer.Option("--paper-size", help="150,000 crops, twelve times over; meant for a GPU.")
    ] = False,
    crop_size: Annotated[
        int, typer.Option(min=64, max=224, help="Side of the crops, pixels; the paper's is 224.")
    ] = 224,
    planes: Annotated[Planes, typer.Option(help="The paper's input is rgb.")] = "rgb",
    network: Annotated[list[str] | None, typer.Option(help="Compare these only; may be given several times.")] = None,
    seed: SeedOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Train the paper's networks and ours on the same data and print the paper's Table 5 beside ours."""
    from dataclasses import replace

    from trainer.data.dataset import Dataset
    from trainer.judging.table5 import PAPER_RESNET_F1, PAPER_SIZE, SMALL, compare, table

    setting = PAPER_SIZE if paper_size else SMALL
    setting = replace(setting, crop_size=crop_size, planes=planes)
    if samples is not None:
        setting = replace(setting, samples_seen=samples)
    if network:
        setting = replace(setting, networks=tuple(network))
    result = compare(
        out,
        [Dataset.open(folder) for folder in data],
        [Dataset.open(folder) for folder in test],
        setting,
        seed=seed,
        on_network=lambda name: print(f"training {name}", file=sys.stderr),
        command=typed_command("gammabox-trainer"),
    )
    if as_json:
        print(json.dumps(result))
        return
    print(table(result))
    print(
        "\nHits that add at least 25 grey levels against everything else; ours on simulated hits, the paper's on "
        f"its own recordings of Tc-99m.\nThe paper's F1 of ResNet does not follow from its precision and "
        f"recall, which give {PAPER_RESNET_F1}.\n\npage: {out / 'compare.html'}"
    )


def cascade_command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder of the classifier.")],
    screen: Annotated[Path, typer.Option(help="Run folder of the screen.")],
    data: DataOption,
    keep_recall: Annotated[
        float, typer.Option(min=0.5, max=1, help="Share of visible hits that the screen passes on.")
    ] = 0.97,
    false_positive_rate: Annotated[
        float, typer.Option(min=1e-6, max=0.5, help="Share of the candidates of recordings that may be called hits.")
    ] = 3e-3,
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="Score of a hit, found on whole clips \\[default: by the rate].")
    ] = None,
    crowd_weight: Annotated[
        float, typer.Option(min=0, max=4, help="Weight of the prior by the crowd of candidates.")
    ] = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the decisions as JSON.")] = False,
) -> None:
    """Choose the thresholds of screen and classifier on the validation split, and write them into both run.json."""
    from trainer.data.dataset import Dataset
    from trainer.judging.cascade import choose
    from trainer.training.run import Run

    opened, first = Run.open(run), Run.open(screen)
    chosen = choose(
        first,
        opened,
        [Dataset.open(folder) for folder in data],
        keep_recall=keep_recall,
        false_positive_rate=false_positive_rate,
        threshold=threshold,
        crowd_weight=crowd_weight,
    )
    opened.with_manifest(decision=chosen.classifier, decided_with=first.path.name)
    first.with_manifest(decision=chosen.screen, decided_with=opened.path.name)
    if as_json:
        decisions = {"screen": chosen.screen.model_dump(), "classifier": chosen.classifier.model_dump()}
        print(json.dumps({**asdict(chosen), **decisions}))
        return
    rate = "–" if chosen.false_positive_rate is None else f"{chosen.false_positive_rate:.2g}"
    print(
        f"threshold of the screen {chosen.screen.threshold:.4g}, of a hit {chosen.classifier.threshold:.4g}: "
        f"recall {chosen.recall:.3f} of {chosen.hits} visible hits, "
        f"false-positive rate {rate} of {chosen.negatives} candidates of recordings"
    )


def sensitivity_command(
    model: ModelOption = None,
    nuclide: NuclideOption = "Tc-99m",
    camera_name: CameraOption = "ov2710",
    set_: SetOption = None,
    size: SizeOption = "480x360",
    frames: Annotated[int, typer.Option(min=3, help="Frames of each of the 14 scenes.")] = 150,
    seed: SeedOption = 1,
    write: Annotated[bool, typer.Option("--write", help="Write the table into the bundle's manifest.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure which share of a source's hits is found on ground from black to white.

    With this table in its bundle, an agent corrects live time for brightness. The same source then has the same rate
    over dark and bright ground.
    """
    from edge.bundle import save_bundle
    from trainer.judging.sensitivity import MEDIANS_DN, as_table, measure_sensitivity
    from trainer.sensor.nuclides import load_nuclide
    from trainer.sensor.photons import source_spectrum

    bundle, camera = bundle_or_shipped(model), camera_of_size(camera_name, size, set_)
    load_nuclide(nuclide)
    with count_progress("scenes", len(MEDIANS_DN)) as progress:
        rows = measure_sensitivity(
            bundle, camera, source_spectrum(nuclide, ()), frames=frames, seed=seed, progress=progress
        )
    changed = [f"{name}={getattr(camera, name)}" for name in SENSITIVITY_DEPENDS_ON]
    table = as_table(
        rows,
        {
            "camera": camera.name,
            "set": changed,
            "source": nuclide,
            "command": typed_command("gammabox-trainer"),
        },
    )
    if write:
        manifest = bundle.manifest.model_copy(update={"sensitivity": table})
        save_bundle(bundle.path, manifest, bundle.model, bundle.screen)
    if as_json:
        print(json.dumps({"grounds": [asdict(row) for row in rows], "table": table.model_dump()}))
        return
    print("| ground, grey | hits | found | share [95 %] | relative |\n|---|---|---|---|---|")
    for row, relative in zip(rows, table.relative, strict=True):
        low, high = row.share_interval
        print(
            f"| {row.ground_dn:.0f} | {row.hits} | {row.found} | {row.share:.3f} [{low:.3f}, {high:.3f}] "
            f"| {relative:.2f} |"
        )
    if write:
        print(f"\nwritten into {bundle.path}")
