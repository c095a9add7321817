"""Temporal noise reduction: each picture is mixed with those before it, so a hit fades and leaves an afterglow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class TemporalFilter:
    """A recursive filter, as cameras use it: output = (1 − weight) × picture + weight × output before.

    A hit keeps 1 − weight of the levels it adds, and weight × (1 − weight) of them stand in the next picture.

    Examples
    --------
    >>> dark, hit = np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 100, np.uint8)
    >>> camera = TemporalFilter(0.5)
    >>> [int(camera.filtered(picture)[0, 0, 0]) for picture in (dark, hit, dark, dark)]
    [0, 50, 25, 12]

    """

    def __init__(self, weight: float, before: NDArray[np.float32] | None = None) -> None:
        self._weight = weight
        self._output = before

    @property
    def output(self) -> NDArray[np.float32] | None:
        """The latest output, not rounded, shape (height, width, 3); None before the first picture."""
        return self._output

    def filtered(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Take the next picture, shape (height, width, 3), and return what the camera makes of it."""
        if not self._weight:
            return picture
        mixed = picture.astype(np.float32)
        if self._output is not None:
            mixed = cv2.addWeighted(mixed, 1.0 - self._weight, self._output, self._weight, 0.0)
        self._output = mixed
        rounded: NDArray[np.uint8] = np.rint(mixed).astype(np.uint8)
        return rounded
