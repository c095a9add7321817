"""The results page of the protocol: the paper's tables and figures, each with ours beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edge.output import is_page, require_free
from edge.pages.axes import Axis, from_zero
from edge.pages.charts import Chart, Line
from edge.pages.page import Page, Section
from edge.pages.page import write_page as write_whole_page
from edge.pages.parts import Cell, Shot, charts, figure, gallery, heading, hint, note, prose, table, verdict
from edge.pages.pictures import as_jpeg
from trainer.data.dataset import Dataset
from trainer.errors import DatasetError
from trainer.filming.fusion import fuse_max
from trainer.judging.table5 import PAPER_RESNET_F1, PAPER_TABLE_5
from trainer.paper.protocol import DATA, FUSED, OTHER_PLACES, SAME_PLACES, TESTS
from trainer.paper.sizes import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from edge.pages.html import Html

    Results = Mapping[str, Any]

PAGE_FILE = "paper.html"
METRICS = ("precision", "recall", "f1", "accuracy")
PAPER_TABLE_3 = (("Training set", 75_000), ("Validation set", 25_000), ("Testing set", 20_000))
"""Pictures of each label."""
TEST_TITLES = {
    SAME_PLACES: "The same places at other times, not fused (as in the paper)",
    OTHER_PLACES: "Other places, not fused",
    FUSED: "Fused and held out",
}
_SHOWN = 3
_QUALITY = 90


def write_page(out: Path, results: Results) -> Path:
    """Write paper.html into the protocol's folder and return its path."""
    size, place = results["size"], out / PAGE_FILE
    sections = [
        Section("", [_state(results)]),
        Section("Table 5: figures on the tests", [*_table5(results)]),
        Section("Figure 7: loss and accuracy in training", [_curves(results["logs"])]),
        Section("Table 3: data", [*_table3(results)]),
        *_pictures(out, size["crop_size"]),
        Section("Leakage", [*_leakage(results)]),
        Section("What differs from the paper", [*_differences(results)]),
    ]
    about = f"Size {size['name']}: crops of {size['crop_size']} pixels of a simulated camera, seed {results['seed']}"
    require_free(place, is_page)
    write_whole_page(
        Page("From covered lens to Table 5", about, sections, results["command"], {"networks": results["networks"]}),
        place,
    )
    return place


def table5(results: Results) -> str:
    """Return Table 5 as Markdown: for each test, our figures with their 95 % intervals, and the paper's."""
    lines = []
    for name in TEST_TITLES:
        lines += ["", f"{name}:", "", "| network | " + " | ".join(METRICS) + " |", "|---" * (len(METRICS) + 1) + "|"]
        for network, row in results["networks"].items():
            cells = [_figure(row["tests"][name][metric]) for metric in METRICS]
            lines.append(f"| {network} | " + " | ".join(cells) + " |")
        if name == SAME_PLACES:
            for network, paper in PAPER_TABLE_5.items():
                lines.append(f"| {network}, paper | " + " | ".join(f"{paper[name]:.4f}" for name in METRICS) + " |")
    return "\n".join(lines[1:])


def _figure(found: Mapping[str, float | None]) -> str:
    if found["value"] is None:
        return "–"
    return f"{found['value']:.4f} ({found['low']:.4f}–{found['high']:.4f})"


def _state(results: Results) -> Html:
    waiting = results["waiting"]
    leaks = [name for name, leak in results["leakage"].items() if leak["passed"] is False]
    if leaks:
        return verdict("N and P differ by more than hits", "bad", f"See leakage: {', '.join(leaks)}.")
    if waiting:
        return verdict("Not finished", "unsure", f"Still to be trained: {', '.join(waiting)}.")
    return verdict("All networks are trained and tested", "good")


def _table5(results: Results) -> Iterator[Html]:
    yield prose(
        "Threshold 0.5, equations (3) to (6), 95 % intervals by the bootstrap. The paper's figures are of its own "
        "recordings; ours of films of a simulated camera that were not fused. The F1 of 0.9443 that the paper prints "
        f"for ResNet does not follow from its own precision and recall, which give {PAPER_RESNET_F1}."
    )
    for name, title in TEST_TITLES.items():
        test = results["tests"][name]
        yield heading(title)
        visible = test["visible"]
        seen = (
            ""
            if visible is None
            else (
                f" In {100 * visible:.1f} % of these a hit adds at least 25 grey levels, which bounds the recall of "
                "any network that sees one picture."
            )
        )
        yield prose(f"{test['crops']:,} crops, {test['radiated']:,} with radiation.{seen}")
        rows = [
            [f"{network} ({row['arithmetic']}, {row['planes']}, {_samples_seen(results, network):,} samples seen)"]
            + [_figure(row["tests"][name][metric]) for metric in METRICS]
            for network, row in results["networks"].items()
        ]
        if name == SAME_PLACES:
            rows += [
                [f"{network} in the paper", *(f"{paper[metric]:.4f}" for metric in METRICS)]
                for network, paper in PAPER_TABLE_5.items()
            ]
        yield table(("network", *METRICS), rows, title) if rows else hint("No network is tested yet.")


def _samples_seen(results: Results, network: str) -> int:
    """Return how many samples a network has seen in all its trainings; int8 is the same network."""
    stages = [Stage(**stage) for stage in results["size"]["stages"]]
    names = [stage.name for stage in stages if stage.network == network.removesuffix("-int8")]
    logs = [results["logs"].get(name, []) for name in names]
    return sum(int(log[-1]["steps"]) * int(results["size"]["batch_size"]) for log in logs if log)


def _curves(logs: Mapping[str, Sequence[Mapping[str, Any]]]) -> Html:
    """Draw loss and accuracy of each stage, in training and validation."""
    figures = []
    for name, log in logs.items():
        if not log:
            continue
        epochs = Axis("epoch", 0, len(log))
        for what in ("loss", "accuracy"):
            lines = [
                Line(words, [(number, float(line[key])) for number, line in enumerate(log, start=1)], colour, dots=True)
                for colour, (words, key) in enumerate((("training", what), ("validation", f"val_{what}")), start=1)
            ]
            values = [y for line in lines for _, y in line.points]
            axis = Axis(what, 0.4, 1.0) if what == "accuracy" else from_zero(what, values)
            last = f"{what} {values[-1]:.3f} in validation after {len(log)} epochs"
            figures.append(figure(Chart(f"{name}: {what}", epochs, axis, lines, last)))
    return charts(figures) if figures else hint("No epoch is finished yet.")


def _table3(results: Results) -> Iterator[Html]:
    size = results["size"]
    ours = (size["fused"] // 2, size["validation"] // 2, size["tests"] // 2)
    rows = [(name, f"{paper:,}", f"{own:,}") for (name, paper), own in zip(PAPER_TABLE_3, ours, strict=True)]
    side = size["crop_size"]
    rows.append(("Size of a picture", "3×224×224", f"3×{side}×{side}"))
    yield table(("pictures of each label", "paper", "here"), rows, "Table 3")
    sets = ", ".join(f"{name} ({known['crops']:,})" for name, known in results["sets"].items())
    yield prose(
        f"Each test has as many pictures as the testing set. Crops are fused as they are asked for, from {sets}."
    )


def _pictures(out: Path, side: int) -> Iterator[Section]:
    """Yield the paper's figures of pictures from our sets, and examples of the unfused tests."""
    noise, scenes, radiation = (_first(out / DATA / f"{name}-{side}") for name in ("A", "B", "C"))
    count = min(_SHOWN, len(noise), len(scenes), len(radiation))
    pairs = [shot for row in range(count) for shot in _shots([noise[row], radiation[row]], ["(a) A", "(b) C"])]
    yield Section("Figure 2: covered lens, (a) unirradiated, (b) irradiated", [gallery(pairs, small=True)])
    shown = gallery(_shots(scenes[:count], ["B"] * count), small=True)
    yield Section("Figure 3: monitoring pictures without radiation", [shown])
    before = _shots([*scenes[:2], *radiation[:2]], ["(a) B", "(a) B", "(b) C", "(b) C"][: min(count, 2) * 2])
    yield Section("Figure 5: crops before fusion, (a) monitoring, (b) bright blotches", [gallery(before, small=True)])
    fused = [
        gallery(_shots([dark, scenes[0], fuse_max(dark, scenes[0])], [name, "B", label]), small=True)
        for dark, name, label in ((noise[0], "A", "N, label 0"), (radiation[0], "C", "P, label 1"))
    ]
    yield Section("Figure 6: fusion makes the training samples", fused)
    for name, where in ((SAME_PLACES, "the same places"), (OTHER_PLACES, "other places")):
        test = next(Dataset.open(out / TESTS / name).parts("test"))
        rows = [int(np.flatnonzero(test.label == label)[i]) for i in range(2) for label in (0, 1)]
        captions = [f"label {int(test.label[row])}" for row in rows]
        shown = gallery(_shots(test.bgr[rows], captions), small=True)
        yield Section(f"Tests at {where}: filmed as they are, not fused", [shown])


def _first(folder: Path) -> NDArray[np.uint8]:
    """Return the colours of the crops of a set's first shard."""
    try:
        return next(Dataset.open(folder).parts()).bgr
    except StopIteration:
        raise DatasetError(folder, "no shard of it is complete", "run the same command again") from None


def _shots(pictures: Iterable[NDArray[np.uint8]], titles: Sequence[str]) -> list[Shot]:
    return [
        Shot(as_jpeg(picture, _QUALITY), f"crop: {title}", title, "", picture.shape[1], picture.shape[0])
        for picture, title in zip(pictures, titles, strict=False)
    ]


def _leakage(results: Results) -> Iterator[Html]:
    yield prose(
        "All blotches and their surroundings are filled from what is around them. Boosted trees and a logistic "
        "regression then guess the label at places that they were not trained on. An area under the ROC curve (AUC) "
        "above the limit means that N and P differ by more than hits."
    )
    words = {True: Cell("passed", "good"), False: Cell("exceeded", "bad"), None: Cell("too few crops", "unsure")}
    rows = [
        (
            TEST_TITLES[name],
            *("–" if leak[key] is None else f"{leak[key]:.3f}" for key in ("auc", "error", "limit")),
            words[leak["passed"]],
        )
        for name, leak in results["leakage"].items()
    ]
    yield table(("test", "AUC", "standard error", "limit", ""), rows, "Leakage")


def _differences(results: Results) -> Iterator[Html]:
    conditions = results["conditions"]
    share = conditions["natural_share"]
    natural = (
        f"{100 * share:.1f} % of A hold a hit of natural radiation, labelled 0."
        if share
        else "A holds electronic noise only. In the paper's 48 hours about one picture in a hundred of A would hold "
        "natural radiation, labelled 0."
    )
    yield note("All pictures come from a simulated camera; nobody has checked it against the paper's own recordings.")
    yield prose(
        f"The distance of the source, {100 * conditions['distance_m']:g} cm, is assumed: the paper says above the "
        "camera. So are silicon, gain, exposure, temperature, black level, tone curve and JPEG. "
        "A and C come from the same windows of one sensor, so that nothing but the hits tells them apart. The paper "
        "recorded them in two sessions."
    )
    yield prose(natural)
    yield prose(
        "People are where something moves in a recording, or where somebody walks in a generated scene. Crops of A, B "
        "and C are used several times, in other pairs, turned and mirrored. Networks begin on small crops whose scenes "
        "are dark, and see fewer samples than the paper's."
    )
    rows = [(name, str(value)) for name, value in _flat(conditions)]
    yield table(("condition", "value"), rows, "Conditions", words=True)


def _flat(conditions: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in conditions.items():
        if isinstance(value, dict):
            yield from ((f"{name} camera: {part}", inner) for part, inner in value.items())
        else:
            yield name, value
