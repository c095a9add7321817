"""Reads what the command line says of camera and source into a Camera and a Field."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from trainer.errors import SensorError
from trainer.sensor.attenuation import parse_layer
from trainer.sensor.camera import Camera, change, preset
from trainer.sensor.photons import check_dose_rate
from trainer.sensor.radiation import Field, nuclide_field
from trainer.sensor.tube import tube_spectrum

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DEFAULT_DOSE_RATE_USV_H = 500.0


def camera_of(name: str, size: str | None, pairs: Sequence[str], chosen: Mapping[str, float | None]) -> Camera:
    """Give a preset with what was chosen in place of its own values.

    A frame rate without an exposure shortens or keeps the exposure so that it fits the frame; the read-out too.

    Raises
    ------
    SensorError
        An unknown preset or parameter, or a value out of range.

    """
    camera = preset(name)
    values: dict[str, object] = {key: value for key, value in chosen.items() if value is not None}
    if size is not None:
        match = re.fullmatch(r"(\d+)[x×](\d+)", size.strip())
        if not match:
            raise SensorError(f"size {size!r}: write WIDTHxHEIGHT, e.g. 1280x720")
        values["width"], values["height"] = int(match[1]), int(match[2])
    for pair in pairs:
        key, separator, text = pair.partition("=")
        if not separator or key not in Camera.model_fields:
            raise SensorError(f"--set {pair!r}: write NAME=VALUE with a name that `gammabox-trainer camera` lists")
        try:
            values[key] = json.loads(text)
        except json.JSONDecodeError:
            values[key] = text
    rate = values.get("fps")
    if isinstance(rate, int | float) and rate > 0:
        values.setdefault("exposure_s", min(camera.exposure_s, 1 / rate))
        values.setdefault("readout_s", min(camera.readout_s, 1 / rate))
    return change(camera, **values)


def field_of(
    nuclide: str,
    *,
    tube_kv: float | None,
    dose_rate: float | None,
    activity_bq: float | None,
    distance_m: float | None,
    shield: Sequence[str],
    age_h: float,
    start_s: float,
) -> Field:
    """Give the radiation field that the options describe; without dose rate and activity, 500 µSv/h."""
    layers = tuple(parse_layer(text) for text in shield)
    if dose_rate is None and activity_bq is None and distance_m is None:
        dose_rate = DEFAULT_DOSE_RATE_USV_H
    if tube_kv is not None:
        if dose_rate is None:
            raise SensorError("an X-ray tube has no activity: give a dose rate")
        return Field(tube_spectrum(tube_kv, layers), check_dose_rate(dose_rate), start_s)
    return nuclide_field(
        nuclide,
        dose_rate=dose_rate,
        activity_bq=activity_bq,
        distance_m=distance_m,
        shield=layers,
        age_s=age_h * 3600.0,
        start_s=start_s,
    )
