"""Options of source and camera: what a command line says of them as a radiation field and a Camera."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from edge.text import meant
from trainer.errors import SensorError
from trainer.sensor.camera import Camera, change, preset
from trainer.values import value_of

if TYPE_CHECKING:
    from trainer.sensor.radiation import Field

DEFAULT_DOSE_RATE_USV_H = 500.0


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """The source: its nuclide or tube, strength, start and shielding."""

    panel: ClassVar[str] = "Source"

    nuclide: Annotated[str, typer.Option(help="Source, e.g. Tc-99m, Cs-137, Co-60, Am-241, I-131, Ir-192.")] = "Tc-99m"
    tube_kv: Annotated[float | None, typer.Option(help="Instead of a nuclide: an X-ray tube at this voltage, kV.")] = (
        None
    )
    dose_rate: Annotated[
        float | None, typer.Option(help="Ambient dose equivalent rate H*(10) at the camera, µSv/h. \\[default: 500]")
    ] = None
    activity: Annotated[float | None, typer.Option(help="Instead of a dose rate: activity of the source, Bq.")] = None
    distance: Annotated[float | None, typer.Option(help="Distance of that source, m.")] = None
    age: Annotated[float, typer.Option(min=0, help="Hours since dose rate or activity was as given.")] = 0.0
    shield: Annotated[
        list[str] | None, typer.Option(help="Shield before the source, material:mm, e.g. lead:2; repeatable.")
    ] = None
    patient: Annotated[bool, typer.Option(help="A patient carries the nuclide: most photons are scattered.")] = False
    start: Annotated[float, typer.Option(help="When the source appears, s from the beginning.")] = 0.0

    def field(self) -> Field:
        """Return the radiation field; without dose rate and activity, one of 500 µSv/h.

        Raises
        ------
        SensorError
            Figures that contradict each other or are out of range.

        """
        from trainer.sensor.attenuation import parse_layer
        from trainer.sensor.photons import check_dose_rate
        from trainer.sensor.radiation import Field, nuclide_field
        from trainer.sensor.tube import tube_spectrum

        layers = tuple(parse_layer(text) for text in self.shield or [])
        dose_rate = self.dose_rate
        if dose_rate is None and self.activity is None and self.distance is None:
            dose_rate = DEFAULT_DOSE_RATE_USV_H
        if self.tube_kv is not None:
            if dose_rate is None:
                raise SensorError("an X-ray tube has no activity: give a dose rate")
            return Field(tube_spectrum(self.tube_kv, layers), check_dose_rate(dose_rate), self.start)
        return nuclide_field(
            self.nuclide,
            dose_rate=dose_rate,
            activity_bq=self.activity,
            distance_m=self.distance,
            shield=layers,
            age_s=self.age * 3600.0,
            start_s=self.start,
            patient=self.patient,
        )


@dataclass(frozen=True, slots=True)
class CameraOptions:
    """A preset of the simulated camera and what is chosen in place of its own values."""

    panel: ClassVar[str] = "Camera"

    camera_name: Annotated[
        str, typer.Option("--camera", help="Preset: ov2710, webcam_xray, paper-covered or paper-open.")
    ] = "ov2710"
    fps: Annotated[float | None, typer.Option(help="Frames a second.")] = None
    exposure: Annotated[float | None, typer.Option(help="Exposure of a frame, s.")] = None
    temperature: Annotated[float | None, typer.Option(help="Temperature of the sensor, °C.")] = None
    gain: Annotated[float | None, typer.Option(help="Analogue gain.")] = None
    quality: Annotated[int | None, typer.Option(help="JPEG quality, 1 to 100.")] = None
    size: Annotated[str | None, typer.Option(help="WIDTHxHEIGHT of the sensor where not the preset's.")] = None
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Any camera parameter, NAME=VALUE; repeatable (see `camera`).")
    ] = None

    def camera(self) -> Camera:
        """Return the camera; raises as `camera_of`."""
        chosen = {
            "fps": self.fps,
            "exposure_s": self.exposure,
            "temperature_c": self.temperature,
            "gain": self.gain,
            "jpeg_quality": self.quality,
        }
        return camera_of(self.camera_name, self.size, self.set_ or [], chosen)


def camera_of(name: str, size: str | None, pairs: Sequence[str], chosen: Mapping[str, float | None]) -> Camera:
    """Return a preset with what was chosen in place of its own values.

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
            near = meant(key, Camera.model_fields) if separator else ""
            raise SensorError(
                f"--set {pair!r}: write NAME=VALUE with a name that `gammabox-trainer camera` lists{near}"
            )
        values[key] = value_of(text, f"--set {key}")
    rate = values.get("fps")
    if isinstance(rate, int | float) and rate > 0:
        values.setdefault("exposure_s", min(camera.exposure_s, 1 / rate))
        values.setdefault("readout_s", min(camera.readout_s, 1 / rate))
    return change(camera, **values)
