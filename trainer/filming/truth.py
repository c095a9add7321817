"""The truth of a hit: the line of the truth file, from the difference to the same picture without the hit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from trainer.sensor.isp import photograph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainer.filming.events import HitEvent
    from trainer.sensor.camera import Camera

MARGIN_PX = 6  # demosaic, sharpening and noise reduction reach this far
BLOTCH_DN = 8  # a pixel belongs to the blotch where a colour rises by more
# Thousandths of grey by colour, as in OpenCV: whole numbers, so that the truth is the same on every processor.
_MILLIGREY_OF_BGR = np.array([114, 587, 299])


def rise_dn(scene_bgr: NDArray[np.uint8], event: HitEvent, camera: Camera) -> tuple[NDArray[np.int64], tuple[int, int]]:
    """Return how much each colour rises around a hit, before noise and JPEG, and where that patch begins.

    All before temporal noise reduction, too.

    Parameters
    ----------
    scene_bgr : uint8 array, shape (height, width, 3)
        The whole scene.
    event : HitEvent
    camera : Camera

    Returns
    -------
    (int64 array of shape (h, w, 3), (x0, y0))
        The rise, and its upper left corner, in pixels of the finished picture.

    """
    step = 2 * camera.scale_down
    height, width = scene_bgr.shape[:2]
    h, w = event.charge_e.shape
    x0, y0 = (max((start - MARGIN_PX) // step * step, 0) for start in (event.x0, event.y0))
    x1 = min(-(-(event.x0 + w + MARGIN_PX) // step) * step, width)
    y1 = min(-(-(event.y0 + h + MARGIN_PX) // step) * step, height)
    patch = scene_bgr[y0:y1, x0:x1]
    charge = np.zeros(patch.shape[:2], np.float32)
    charge[event.y0 - y0 : event.y0 - y0 + h, event.x0 - x0 : event.x0 - x0 + w] = event.charge_e
    without = photograph(patch, None, camera, None, None)
    with_hit = photograph(patch, charge, camera, None, None)
    return with_hit.astype(np.int64) - without, (x0 // camera.scale_down, y0 // camera.scale_down)


def truth_line(scene_bgr: NDArray[np.uint8], event: HitEvent, camera: Camera) -> dict[str, Any]:
    """Describe a hit as `edge.truth` reads it.

    x, y is the pixel whose grey value rises most; `added` says by how many grey levels, before noise and JPEG. `box`
    (x0, y0, x1, y1, last ones included) and `pixels` are the place and number of pixels of which a colour rises by
    more than 8 levels; only the brightest where none does. Temporal noise reduction leaves its share of both; the
    afterglow in the frames behind is no hit.
    """
    rise, (x0, y0) = rise_dn(scene_bgr, event, camera)
    kept = 1.0 - camera.temporal_denoise
    grey = rise @ _MILLIGREY_OF_BGR
    py, px = np.unravel_index(int(grey.argmax()), grey.shape)
    if grey[py, px] <= 0:  # nothing to see on ground that is white already: the pixel with the most charge
        py, px = np.unravel_index(int(event.charge_e.argmax()), event.charge_e.shape)
        py = (py + event.y0) // camera.scale_down - y0
        px = (px + event.x0) // camera.scale_down - x0
    blotch = kept * rise.max(axis=2) > BLOTCH_DN
    blotch[py, px] = True
    rows, columns = np.nonzero(blotch)
    return {
        "frame": event.frame,
        "x": int(x0 + px),
        "y": int(y0 + py),
        "box": [int(x0 + columns.min()), int(y0 + rows.min()), int(x0 + columns.max()), int(y0 + rows.max())],
        "energy_kev": round(event.energy_kev, 2),
        "pixels": len(rows),
        "added": round(kept * float(grey[py, px]) / 1000.0, 1),
        "nuclide": event.origin,
    }
