"""Which crops show a network its ranges: drawn evenly from brightness, motion and hits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from trainer.training.batches import Crops

DEFAULT_COUNT = 400
BRIGHTNESS_EDGES_DN = (48.0, 96.0, 160.0)
MOTION_EDGES_DN = (4.0, 12.0)


def cells(crops: Crops) -> NDArray[np.int64]:
    """Give each crop's cell: hit or not × four steps of brightness × three of motion; int64, shape (n,).

    Brightness is the crop's own mean; motion is what the dataset noted, none where it noted nothing.
    """
    brightness = crops.pictures.mean(axis=(1, 2, 3)) if len(crops) else np.zeros(0)
    motion = np.array([one.get("motion_dn") or 0.0 for one in crops.strata], np.float64)
    step = np.digitize(brightness, BRIGHTNESS_EDGES_DN) * 3 + np.digitize(motion, MOTION_EDGES_DN)
    cell: NDArray[np.int64] = crops.label.astype(np.int64) * 12 + step
    return cell


def draw(cell: NDArray[np.int64], count: int, rng: Generator) -> NDArray[np.int64]:
    """Draw `count` samples (all, where there are fewer) as evenly over the cells as they allow; sorted indices.

    Cells take turns, so a rare one gives all it has before a common one gives more than its share.
    """
    queues = [rng.permutation(np.flatnonzero(cell == one)) for one in np.unique(cell)]
    chosen: list[int] = []
    turn = 0
    while len(chosen) < min(count, cell.size):
        for queue in queues:
            if turn < queue.size and len(chosen) < count:
                chosen.append(int(queue[turn]))
        turn += 1
    return np.sort(np.array(chosen, np.int64))


def span_range(planes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give the crops with one black and one white pixel in a corner of the first.

    The converter takes the input's range from what it is shown; 0 to 255 makes the scale exactly 1/255 and the zero
    point −128, and so the stored value the pixel − 128. Two pixels of one crop move no inner range.
    """
    marked: NDArray[np.uint8] = planes.copy()
    marked[0, 0, 0] = 0
    marked[0, 0, 1] = 255
    return marked
