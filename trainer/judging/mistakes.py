"""Mistakes of a network by kind, and how the page of an evaluation shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge.detect.crops import CHANGE_ZERO
from edge.pages.parts import Shot
from edge.pages.pictures import NARROW_PX, as_png, strip
from trainer.data.words import sample_words, value_words
from trainer.judging.strata import bins

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from edge.detect.crops import Planes
    from trainer.judging.evaluate import Judged

MAX_GROUPS = 8
SHOWN_A_GROUP = 4
MAX_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Group:
    """Mistakes of one kind.

    Attributes
    ----------
    words : str
        What the samples have in common.
    mistakes, samples : int
        How many of the samples of the kind were decided wrongly.
    shown : tuple of int
        Indices of the worst.

    """

    words: str
    mistakes: int
    samples: int
    shown: tuple[int, ...]


def groups(judged: Judged, called: NDArray[np.bool_], *, label: int) -> list[Group]:
    """Return the false hits (label 0) by disturbance or motion, or the missed visible hits (label 1) by their light.

    Parameters
    ----------
    judged : Judged
    called : bool array, shape (n,)
        What was called a hit.

    """
    of_label = (judged.crops.label == label) & judged.visible
    wrong = of_label & (called != (label == 1))
    worst = np.argsort(judged.margin if label else -judged.margin, kind="stable")
    found = []
    for words, inside in _kinds(judged, label):
        mistaken = [int(i) for i in worst if inside[i] and wrong[i]]
        if mistaken:
            samples = int((inside & of_label).sum())
            found.append(Group(words, len(mistaken), samples, tuple(mistaken[:SHOWN_A_GROUP])))
    return sorted(found, key=lambda group: -group.mistakes)[:MAX_GROUPS]


def _kinds(judged: Judged, label: int) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    strata = judged.crops.strata
    for name, value, inside in bins(strata, ("nuisance",)):
        if label and name == "added_dn":
            yield f"hits that add {value} grey levels", inside
        elif not label and name == "nuisance" and value != "none":
            yield f"disturbed by {value_words(name, value)}", inside
        elif not label and name == "motion_dn":
            undisturbed = np.array([not sample.get("nuisance") for sample in strata])
            yield f"undisturbed, motion {value} grey levels", inside & undisturbed


def shots(judged: Judged, which: Sequence[int], planes: Planes) -> list[Shot]:
    """Return pictures of samples: the middle 17 pixels, enlarged, with what is known of each."""
    return [_shot(judged, i, planes) for i in which]


def _shot(judged: Judged, i: int, planes: Planes) -> Shot:
    pictures = [_middle(picture) for picture in frames_of(judged.crops.pictures[i], planes)]
    middle = pictures[0].shape[0] // 2
    marked = len(pictures) // 2
    picture = strip(pictures, [(middle, middle) if number == marked else None for number in range(len(pictures))])
    height, width = picture.shape[:2]
    what = "a hit" if judged.crops.label[i] else "no hit"
    seen = "Previous, current and next frame" if len(pictures) == 3 else "The current frame"
    words = f"{seen} of a sample with {what}"
    return Shot(
        as_png(picture), words, f"margin {judged.margin[i]:.1f}", sample_words(judged.crops.strata[i]), width, height
    )


def frames_of(planes_of_crop: NDArray[np.uint8], planes: Planes) -> list[NDArray[np.uint8]]:
    """Return previous, current and next grey of a crop of `read_crops`; for "rgb" the current colours alone."""
    if planes == "rgb":
        return [planes_of_crop]
    if planes != "compensated":
        return [planes_of_crop[..., number] for number in range(3)]
    current = planes_of_crop[..., 0]
    beside = [
        np.clip(current.astype(np.int16) - planes_of_crop[..., number] + CHANGE_ZERO, 0, 255).astype(np.uint8)
        for number in (1, 2)
    ]
    return [beside[0], current, beside[1]]


def _middle(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    cut = max(0, (picture.shape[0] - NARROW_PX) // 2)
    return picture[cut : cut + NARROW_PX, cut : cut + NARROW_PX]
