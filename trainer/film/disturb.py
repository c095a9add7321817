"""Several nuisances at once on the way of a frame: before the sensor, in the finished picture, in its JPEG."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainer.errors import OptionError
from trainer.film.nuisances import NUISANCES, Nuisance, make_nuisance
from trainer.sensor.tone import to_levels, to_linear

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def nuisances_for(names: Sequence[str], width: int, height: int, seed: int) -> tuple[Nuisance, ...]:
    """Make the nuisances of a film by their names.

    Raises
    ------
    OptionError
        A name that none of them has.

    """
    for name in names:
        if name not in NUISANCES:
            raise OptionError("--nuisance", name, NUISANCES)
    return tuple(
        make_nuisance(name, np.random.default_rng([seed, 3, i]), width, height) for i, name in enumerate(names)
    )


def disturbed_scene(nuisances: Sequence[Nuisance], scene_bgr: NDArray[np.uint8], t: int) -> NDArray[np.uint8]:
    """Give what the camera looks at in frame t, uint8 (h, w, 3), with every nuisance that acts on light."""
    acting = [one.light for one in nuisances if one.light is not None]
    if not acting:
        return scene_bgr
    light = to_linear(scene_bgr.astype(np.float32))
    for act in acting:
        light = act(light, t)
    seen: NDArray[np.uint8] = np.rint(to_levels(light)).astype(np.uint8)
    return seen


def disturbed_picture(nuisances: Sequence[Nuisance], picture: NDArray[np.uint8], t: int) -> NDArray[np.uint8]:
    """Give the finished picture of frame t with what nuisances draw into it."""
    for one in nuisances:
        if one.picture is not None:
            picture = one.picture(picture, t)
    return picture


def disturbed_stream(nuisances: Sequence[Nuisance], content: bytes, t: int) -> bytes:
    """Give the JPEG of frame t as it arrives."""
    for one in nuisances:
        if one.stream is not None:
            content = one.stream(content, t)
    return content
