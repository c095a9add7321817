"""What a picture shows of the camera's condition: light, contrast, sharpness and a small view of the scene."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.capture.frame import Image

    View: TypeAlias = "NDArray[np.float32]"

VIEW_SIZE = (64, 36)
"""Width and height of the view."""
SATURATED_DN = 250
COARSE_PX = 8
_ROWS = 48
_BRIGHT_QUANTILE = 0.99
_FINE_QUANTILE, _COARSE_QUANTILE = 0.998, 0.984
"""An edge has eight times as many pairs of pixels 8 apart as of neighbours."""
_SMOOTHING = 0.8
_AROUND = 9
_MIN_GRADIENT_DN = 2.0
_MAX_EDGE = 4.0
_REACH = (8, 4)
"""How far the view is shifted to find where a camera points now, in pixels of the view."""


@dataclass(frozen=True, slots=True, eq=False)
class PictureFacts:
    """The condition that a picture shows.

    Attributes
    ----------
    mean_dn : float
        Mean grey.
    bright_dn : float
        Grey that 99 % of the pixels stay below.
    saturated_share : float
        Share of the pixels of 250 and more.
    coarse_dn : float
        Difference of pixels 8 apart that 98.4 % of them stay below: the contrast of the edges.
    sharpness : float
        Difference of neighbours that 99.8 % stay below, as a share of `coarse_dn`: about 1 for edges of one pixel, less
        the softer they are.
    view : float32 array, shape (36, 64)
        Mean grey of the parts of the picture.

    """

    mean_dn: float
    bright_dn: float
    saturated_share: float
    coarse_dn: float
    sharpness: float
    view: View = field(repr=False)

    @property
    def contrast_dn(self) -> float:
        """Standard deviation of the view."""
        return float(self.view.std())


def picture_facts(grey: Image) -> PictureFacts:
    """Return the condition that a picture shows. It takes about 0.3 ms for 1080p.

    Parameters
    ----------
    grey : uint8 array, shape (height, width), both at least 64

    Examples
    --------
    >>> bright_half = np.zeros((480, 640), np.uint8)
    >>> bright_half[:, 320:] = 255
    >>> facts = picture_facts(bright_half)
    >>> facts.saturated_share, facts.view.shape
    (0.5, (36, 64))

    """
    step = max(grey.shape[0] // _ROWS, 1)
    rows = grey[step // 2 :: step]
    levels = _histogram(rows)
    fine_dn = _quantile(_histogram(cv2.absdiff(rows[:, 1:], rows[:, :-1])), _FINE_QUANTILE)
    coarse_dn = _quantile(_histogram(cv2.absdiff(rows[:, COARSE_PX:], rows[:, :-COARSE_PX])), _COARSE_QUANTILE)
    return PictureFacts(
        mean_dn=float(levels @ np.arange(256)),
        bright_dn=_quantile(levels, _BRIGHT_QUANTILE),
        saturated_share=float(levels[SATURATED_DN:].sum()),
        coarse_dn=coarse_dn,
        sharpness=fine_dn / max(coarse_dn, 1.0),
        view=_view(grey),
    )


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well two views agree.

    Attributes
    ----------
    here : float
        Correlation of their edges as they are: about 0 for other scenes, 1 for the same.
    elsewhere : float
        The best correlation when one of them is shifted by two pixels of the view or more.

    """

    here: float
    elsewhere: float


def agreement(earlier: View, later: View) -> Agreement:
    """Compare two views by their edges, which light changes less than greys."""
    across, along = _REACH
    inner = _edges(later)[along:-along, across:-across]
    found = cv2.matchTemplate(_edges(earlier), inner, cv2.TM_CCOEFF_NORMED)
    here = float(found[along, across])
    found[along - 1 : along + 2, across - 1 : across + 2] = -1.0
    return Agreement(here, float(found.max()))


def _edges(view: View) -> View:
    smooth = cv2.GaussianBlur(view, (0, 0), _SMOOTHING)
    gradient = cv2.magnitude(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1))
    around = cv2.blur(gradient, (_AROUND, _AROUND)) + np.float32(_MIN_GRADIENT_DN)
    edges: View = np.minimum(gradient / around, np.float32(_MAX_EDGE))
    return edges


def _view(grey: Image) -> View:
    """Return the mean grey of the parts of a picture; whole pixels only where it is large, as that is much faster."""
    height, width = grey.shape
    columns, rows = VIEW_SIZE
    if width >= 2 * columns and height >= 2 * rows:
        grey = grey[: height // rows * rows, : width // columns * columns]
        step = max(height // rows // 8, 1)
        while (height // rows) % step:
            step -= 1
        grey = grey[::step]
    view: View = cv2.resize(grey, VIEW_SIZE, interpolation=cv2.INTER_AREA).astype(np.float32)
    return view


def _histogram(picture: Image) -> NDArray[np.float64]:
    """Return the share of the pixels at each grey: float64, shape (256,)."""
    counts = cv2.calcHist([np.ascontiguousarray(picture)], [0], None, [256], [0, 256])
    shares: NDArray[np.float64] = counts.ravel().astype(np.float64) / picture.size
    return shares


def _quantile(shares: NDArray[np.float64], quantile: float) -> float:
    return float(np.searchsorted(np.cumsum(shares), quantile))
