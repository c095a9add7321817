"""The page of a dataset: counts by stratum as plots, and samples of every kind, enlarged, with the hit marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.pages.axes import Axis, from_zero
from edge.pages.charts import Bars, Chart
from edge.pages.page import Page, Section
from edge.pages.parts import Shot, charts, facts, figure, folded, gallery, heading, hint, meter, prose, table
from edge.pages.pictures import NARROW_PX, as_png, crop, strip
from trainer.data.inspection import sheets, statistics
from trainer.data.words import sample_words, short_range, stratum_words, value_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from edge.pages.html import Html
    from trainer.data.dataset import Dataset, Samples
    from trainer.data.inspection import Statistics

SHOWN_A_GROUP = 5
_NAMED = ("way", "nuisance", "trait")
_ENOUGH = 0.3
"""Share of each of the three hard kinds in a test mixture."""


def page(dataset: Dataset, limit: int = 4096) -> tuple[Page, Statistics]:
    """Return the page and the statistics: figures over everything, pictures of the first `limit` samples."""
    samples = dataset.samples(limit=limit)
    every = [(part.strata, part.label) for part in dataset.parts()]
    strata = [sample for of_part, _ in every for sample in of_part]
    counted = statistics(strata, np.concatenate([labels for _, labels in every]))
    sections = [
        Section("At a glance", [facts(_glance(counted)), hint(f"SHA-256 {dataset.sha256}")]),
        Section("What is in it", [charts(_histograms(counted))]),
        Section("Samples, enlarged", [*_galleries(samples)]),
        Section("By name", [*_tables(counted)]),
    ]
    about = f"{counted.samples:,} crops of {dataset.crop_size} pixels; {dataset.index.kind}"
    return Page(f"Dataset {dataset.path.name}", about, sections, dataset.index.command), counted


def _glance(counted: Statistics) -> Iterator[tuple[str, object, object]]:
    yield "Crops", f"{counted.samples:,}", f"{counted.hits:,} with a hit"
    yield "Scenes", f"{counted.scenes:,}", "pictures or stretches of film"
    if any(counted.proposed):
        yield (
            "Proposed",
            f"{counted.proposed[1]:.1%}",
            f"of the hits by the fast path; {counted.proposed[0]:.1%} of the rest",
        )
    else:
        yield "Proposed", "–", "not noted in imported data"
    hard = f"a test mixture has at least {_ENOUGH:.0%}"
    yield "Noise blotches", f"{counted.negatives_with_blotch:.1%}", f"of the crops without a hit; {hard}"
    yield "Strong motion", f"{counted.negatives_in_strong_motion:.1%}", f"of the crops without a hit; {hard}"
    yield "Barely visible", f"{counted.hits_of_25_to_40_dn:.1%}", f"of the hits add 25 to 40 grey levels; {hard}"


def _histograms(counted: Statistics) -> Iterator[Html]:
    for name, rows in counted.ranges.items():
        if sum(map(sum, rows.values())):
            yield _histogram(name, rows)


def _histogram(name: str, rows: Mapping[str, tuple[int, int]]) -> Html:
    names = tuple(map(short_range, rows))
    series = []
    for label, (words, colour, left) in enumerate((("no hit", 2, -0.4), ("hit", 1, 0.0))):
        bars = [
            (at + left, at + left + 0.4, float(found[label])) for at, found in enumerate(rows.values()) if found[label]
        ]
        if bars:
            series.append(Bars(words, bars, colour))
    y = from_zero("crops", [float(count) for found in rows.values() for count in found])
    title = stratum_words(name)
    return figure(Chart(_capitalised(title), Axis(title, -0.5, len(rows) - 0.5, names=names), y, series))


def _galleries(samples: Samples) -> Iterator[Html]:
    yield prose(
        f"The {NARROW_PX} pixels around the place of a sample, enlarged 8 times: previous, current and next frame in "
        "one contrast, then the colours of the current one. Corners show where the hit is."
    )
    more: list[Html] = []
    for title, which in sheets(samples).items():
        shown = which[np.linspace(0, len(which) - 1, min(SHOWN_A_GROUP, len(which))).astype(int)]
        parts = [heading(_title(title)), gallery([_shot(samples, int(i)) for i in shown], small=True)]
        if title.partition(" ")[0] in _NAMED:
            more += parts
        else:
            yield from parts
    if more:
        yield folded("By fusion, disturbance and what is special about the scene", *more)


def _title(title: str) -> str:
    """Return the heading of a group of samples, in words."""
    name, _, value = title.partition(" ")
    if name in _NAMED:
        return f"{stratum_words(name)}: {value_words(name, value)}"
    return _capitalised(title)


def _capitalised(words: str) -> str:
    return words[:1].upper() + words[1:]


def _shot(samples: Samples, i: int) -> Shot:
    x, y = (int(value) for value in samples.spot[i])
    greys = [crop(samples.greys[i][..., number], x, y, NARROW_PX) for number in range(3)]
    middle = NARROW_PX // 2
    is_hit = bool(samples.label[i])
    frames = strip(greys, [None, (middle, middle) if is_hit else None, None])
    colours = strip([crop(samples.bgr[i], x, y, NARROW_PX)])
    gap = np.zeros((frames.shape[0], 8, 3), np.uint8)
    picture = cv2.hconcat([frames, gap, colours])
    height, width = picture.shape[:2]
    words = f"Previous, current and next frame, and colours, of a sample {'with' if is_hit else 'without'} a hit"
    title = "hit" if is_hit else "no hit"
    return Shot(as_png(picture), words, title, sample_words(samples.strata[i]), width, height)


def _tables(counted: Statistics) -> Iterator[Html]:
    yield prose("Numbers of crops. Bars show the share of the crops of a value that hold a hit.")
    for name, rows in counted.named.items():
        cells = [
            (value_words(name, value), f"{without:,}", f"{hits:,}", meter(hits / max(hits + without, 1)))
            for value, (without, hits) in rows.items()
        ]
        title = stratum_words(name)
        yield heading(_capitalised(title))
        yield table(("", "no hit", "hit", "share"), cells, f"Crops by {title}")
