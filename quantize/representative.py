"""Draws the crops that show a network its ranges, evenly from brightness, motion and hits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from edge.detect.crops import Planes
    from trainer.training.batches import Crops

DEFAULT_COUNT = 400
BRIGHTNESS_EDGES_DN = (48.0, 96.0, 160.0)
MOTION_EDGES_DN = (4.0, 12.0)


def cells(crops: Crops, planes: Planes) -> NDArray[np.int64]:
    """Return each crop's cell, int64, shape (n,): hit or not × four steps of brightness × three steps of motion.

    Brightness is the mean of the crop; motion is that of the dataset, none where it notes nothing.
    """
    # Of the compensated planes, only the first is a picture; the others are differences.
    pictures = crops.pictures[..., :1] if planes == "compensated" else crops.pictures
    brightness = pictures.mean(axis=(1, 2, 3)) if len(crops) else np.zeros(0)
    motion = np.array([sample.get("motion_dn") or 0.0 for sample in crops.strata], np.float64)
    step = np.digitize(brightness, BRIGHTNESS_EDGES_DN) * 3 + np.digitize(motion, MOTION_EDGES_DN)
    cell: NDArray[np.int64] = crops.label.astype(np.int64) * 12 + step
    return cell


def draw(cell: NDArray[np.int64], count: int, rng: Generator) -> NDArray[np.int64]:
    """Return sorted indices of `count` samples (all, where there are fewer), as evenly over the cells as possible.

    Cells take turns, so all samples of a rare cell are drawn before a common cell exceeds its share.
    """
    queues = [rng.permutation(np.flatnonzero(cell == number)) for number in np.unique(cell)]
    chosen: list[int] = []
    turn = 0
    while len(chosen) < min(count, cell.size):
        for queue in queues:
            if turn < queue.size and len(chosen) < count:
                chosen.append(int(queue[turn]))
        turn += 1
    return np.sort(np.array(chosen, np.int64))


def span_range(planes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the crops with one black and one white pixel in a corner of the first.

    The converter takes the input's range from the crops. With 0 to 255 the scale is exactly 1/255 and the zero point
    −128, so that the stored value is the pixel − 128. Two pixels of one crop change no inner range.
    """
    marked: NDArray[np.uint8] = planes.copy()
    marked[0, 0, 0] = 0
    marked[0, 0, 1] = 255
    return marked
