"""Leakage: scenes that two splits share, and what still tells N from P when hits and blotches are inpainted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from trainer.errors import DatasetError
from trainer.scenes.splits import SPLITS, Split

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from trainer.data.dataset import Dataset, Samples

AUC_LIMIT = 0.55
"""Most that a classifier without hits and blotches may reach on unseen scenes (0.5 is guessing)."""
MAX_SAMPLES = 6000
_RADIUS_PX = 8  # around every hit's box and every blotch: demosaicing, sharpening and JPEG carry them outwards
_MIN_SAMPLES = 40


@dataclass(frozen=True, slots=True)
class LeakageReport:
    """The findings of the check.

    Attributes
    ----------
    shared_scenes : tuple of str
        Scenes that are in more than one split, or in both datasets.
    auc : float
        Area under the ROC curve for N against P with hits and blotches inpainted, on scenes not trained on.
    auc_error : float
        Standard error of `auc` (Hanley and McNeil, Radiology 143 (1982) 29).
    limit : float
    trained, judged : int
        Number of samples.

    """

    shared_scenes: tuple[str, ...]
    auc: float
    auc_error: float
    limit: float
    trained: int
    judged: int

    @property
    def passed(self) -> bool:
        """Whether no scene is shared and the classifier stays below the limit."""
        return not self.shared_scenes and self.auc <= self.limit


@dataclass(frozen=True, slots=True)
class _Half:
    features: NDArray[np.float32] = field(repr=False)
    label: NDArray[np.uint8] = field(repr=False)


def check_leakage(dataset: Dataset, other: Dataset | None = None, limit: float = AUC_LIMIT) -> LeakageReport:
    """Check one dataset; with `other`, that it shares no scene with it (a test mixture against training data).

    The classifier is trained on "train" and judged on "validation"; a dataset without these is halved by scene.

    Raises
    ------
    DatasetError
        Too few samples or scenes for a judgement.

    """
    rng = np.random.default_rng(1)
    train, judge = _halves(dataset, rng)
    known, unseen = (_Half(leak_features(part, rng), part.label) for part in (train, judge))
    auc = _auc_of_classifier(known, unseen)
    positives = int(unseen.label.sum())
    return LeakageReport(
        shared_scenes=tuple(sorted(_shared(dataset, other))),
        auc=auc,
        auc_error=_auc_error(auc, positives, len(unseen.label) - positives),
        limit=limit,
        trained=len(known.label),
        judged=len(unseen.label),
    )


def inpainted(samples: Samples, rng: Generator) -> NDArray[np.uint8]:
    """Take hits and blotches out of the crops: uint8, shape (n, s, s, 6): three greys, then blue, green, red.

    Every sample loses its own hits and blotches, the middle of its crop, and what a random other sample loses: the
    shape of what is missing tells nothing then. All planes are filled alike from what surrounds the gap.
    """
    size = samples.greys.shape[1]
    masks = [_mask(strata, spot, size) for strata, spot in zip(samples.strata, samples.spot, strict=True)]
    by_label = [np.flatnonzero(samples.label == label) for label in (0, 1)]
    filled = np.empty((len(samples), size, size, 6), np.uint8)
    for i, mask in enumerate(masks):
        others = by_label[1 - int(samples.label[i])]
        both = mask | masks[int(others[rng.integers(len(others))])]
        planes = np.concatenate([samples.greys[i], samples.bgr[i]], axis=-1)
        filled[i] = _fill(planes, both)
    return filled


def leak_features(samples: Samples, rng: Generator) -> NDArray[np.float32]:
    """Describe inpainted crops: mean, spread, extremes, fine texture and time differences, whole and by quarters."""
    planes = inpainted(samples, rng).astype(np.float32)
    rows = []
    for crop in planes:
        previous, current, following = crop[..., 0], crop[..., 1], crop[..., 2]
        derived = [
            *np.moveaxis(crop, -1, 0),
            np.maximum(current - np.maximum(previous, following), 0),
            np.abs(following - previous),
            cv2.Laplacian(previous, cv2.CV_32F),
            cv2.Laplacian(current, cv2.CV_32F),
            cv2.Laplacian(following, cv2.CV_32F),
        ]
        rows.append([value for plane in derived for value in _describe(plane)])
    return np.array(rows, np.float32)


def _describe(plane: NDArray[np.float32]) -> list[float]:
    half = plane.shape[0] // 2
    quarters = (plane[:half, :half], plane[:half, half:], plane[half:, :half], plane[half:, half:])
    values = [float(plane.mean()), float(plane.std()), float(plane.max()), float(plane.min())]
    return values + [float(quarter.mean()) for quarter in quarters]


def _mask(strata: dict[str, Any], spot: NDArray[np.int16], size: int) -> NDArray[np.bool_]:
    mask = np.zeros((size, size), bool)
    x, y = (int(v) for v in spot)
    boxes = [[x, y, x, y], *([bx, by, bx, by] for bx, by in strata.get("blotches") or [])]
    boxes += [hit["box"] for hit in strata.get("hits") or [] if isinstance(hit, dict)]
    for x0, y0, x1, y1 in boxes:
        mask[max(0, y0 - _RADIUS_PX) : y1 + _RADIUS_PX + 1, max(0, x0 - _RADIUS_PX) : x1 + _RADIUS_PX + 1] = True
    return mask


def _fill(planes: NDArray[np.uint8], gap: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Fill the gap with a blur of what surrounds it: a weighted mean in which the gap has no weight."""
    known = (~gap).astype(np.float32)
    reach = (4 * _RADIUS_PX + 1,) * 2
    weight = cv2.blur(known, reach)
    filled: NDArray[np.uint8] = planes.copy()
    for i in range(planes.shape[-1]):
        level = float(planes[..., i][~gap].mean()) if known.any() else 0.0
        around = cv2.blur(planes[..., i] * known, reach) / np.maximum(weight, 1e-6)
        filled[..., i][gap] = np.where(weight > 1e-3, around, level)[gap]
    return filled


def _halves(dataset: Dataset, rng: Generator) -> tuple[Samples, Samples]:
    if dataset.count("train")[0] and dataset.count("validation")[0]:
        train, judge = dataset.samples("train", MAX_SAMPLES), dataset.samples("validation", MAX_SAMPLES)
    else:
        every = dataset.samples(limit=2 * MAX_SAMPLES)
        scenes = sorted(set(every.column("scene")))
        for_training = set(rng.permutation(scenes)[: len(scenes) // 2])
        known = np.array([scene in for_training for scene in every.column("scene")], bool)
        train, judge = every.take(known), every.take(~known)
    for part in (train, judge):
        if min(int((part.label == 0).sum()), int(part.label.sum())) < _MIN_SAMPLES:
            raise DatasetError(
                dataset.path,
                "too few samples or scenes to judge leakage",
                f"give at least {_MIN_SAMPLES} of each label in each of two sets of scenes",
            )
    return train, judge


def _auc_of_classifier(known: _Half, unseen: _Half) -> float:
    """Train boosted trees and a logistic regression and return the greater AUC on unseen scenes."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415 - heavy, for this check only
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - comes with scikit-learn

    classifiers = (
        HistGradientBoostingClassifier(max_iter=80, max_depth=4, random_state=1),
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000, C=0.1)),
    )
    reached = []
    with threadpool_limits(1):  # threads that wait for one another cost more than they bring to so little data
        for classifier in classifiers:
            classifier.fit(known.features, known.label)
            scores = classifier.predict_proba(unseen.features)[:, 1]
            reached.append(float(roc_auc_score(unseen.label, scores)))
    return max(reached)


def _auc_error(auc: float, positives: int, negatives: int) -> float:
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (positives - 1) * (q1 - auc**2) + (negatives - 1) * (q2 - auc**2)
    return float(np.sqrt(max(spread, 0) / (positives * negatives)))


def _shared(dataset: Dataset, other: Dataset | None) -> set[str]:
    scenes = {split: _scenes(dataset, split) for split in SPLITS}
    shared = scenes["train"] & scenes["validation"] | scenes["train"] & scenes["test"]
    shared |= scenes["validation"] & scenes["test"]
    if other is not None:
        mine = set().union(*scenes.values())
        shared |= mine & set().union(*(_scenes(other, split) for split in SPLITS))
    return shared


def _scenes(dataset: Dataset, split: Split) -> set[str]:
    return {str(strata["scene"]) for part in dataset.parts(split) for strata in part.strata}
