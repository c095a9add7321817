"""Radiation fields at the camera, and how many hits a second they make in its sensor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainer.errors import SensorError
from trainer.sensor.attenuation import Layer
from trainer.sensor.library import build_library
from trainer.sensor.nuclides import load_nuclide
from trainer.sensor.photons import check_dose_rate, dose_rate_usv_h, point_source_fluence_rate_cm2_s, source_spectrum
from trainer.sensor.surroundings import NATURAL, NATURAL_USV_H, natural_spectrum, patient_spectrum

if TYPE_CHECKING:
    from pathlib import Path

    from trainer.sensor.camera import Camera
    from trainer.sensor.library import HitLibrary
    from trainer.sensor.photons import Spectrum

LIBRARY_HITS = 4000
_NATURAL_HITS = 400  # few come: a film of a minute holds none or one


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """A radiation field at the camera.

    Attributes
    ----------
    spectrum : Spectrum
        Spectrum of the radiation in front of the camera.
    dose_rate_usv_h : float
        Ambient dose equivalent rate H*(10) there, at the moment it begins.
    start_s : float
        Time at which the radiation begins.
    half_life_s : float

    """

    spectrum: Spectrum
    dose_rate_usv_h: float
    start_s: float = 0.0
    half_life_s: float = float("inf")


def nuclide_field(
    name: str,
    *,
    dose_rate: float | None = None,
    activity_bq: float | None = None,
    distance_m: float | None = None,
    shield: tuple[Layer, ...] = (),
    age_s: float = 0.0,
    start_s: float = 0.0,
    patient: bool = False,
) -> Field:
    """Return the field of a nuclide from its dose rate in µSv/h, or from its activity and distance.

    Parameters
    ----------
    name : str
    dose_rate : float, optional
        H*(10) rate at the camera, behind the shield, µSv/h.
    activity_bq, distance_m : float, optional
        Instead of the dose rate: a point source in air.
    shield : tuple of Layer
        Layers between source and camera.
    age_s : float
        Time since activity (or dose rate) was as given.
    start_s : float
    patient : bool
        A patient carries the nuclide: most photons are scattered. Only with a dose rate.

    Raises
    ------
    SensorError
        Both or neither of dose rate and activity with distance, or impossible figures.

    """
    by_activity = activity_bq is not None and distance_m is not None
    if (activity_bq is None) != (distance_m is None):
        raise SensorError("activity and distance belong together; give both, or a dose rate")
    if by_activity == (dose_rate is not None):
        raise SensorError("give either a dose rate, or an activity with a distance")
    if patient and by_activity:
        raise SensorError("a patient's own body weakens the activity; give a dose rate")
    nuclide = load_nuclide(name)
    spectrum = patient_spectrum(name).behind(shield)[0] if patient else source_spectrum(name, shield)
    if activity_bq is not None and distance_m is not None:
        fluence = point_source_fluence_rate_cm2_s(nuclide, activity_bq, distance_m, shield)
        dose_rate = dose_rate_usv_h(spectrum, fluence)
    rate = check_dose_rate(float(dose_rate or 0.0)) * nuclide.remaining(age_s)
    return Field(spectrum, rate, start_s, nuclide.half_life_s)


def at_sensor(camera: Camera, spectrum: Spectrum) -> tuple[Spectrum, float]:
    """Return the spectrum behind housing and cover glass, and the share of photons that come through.

    Nobody knows from where a source shines on a camera: photons come from everywhere alike. The housing lies around
    the sensor and is as thick on every way; the cover glass is a plane close to it. Board and silicon weaken photons
    from behind about as much as the glass those from the front.
    """
    inside, share = spectrum.behind((Layer("glass", camera.housing_mm),), broad=True)
    window = Layer("glass", camera.window_um / 1000.0)
    at_silicon, of_inside = inside.behind((window,), broad=True, from_everywhere=True)
    return at_silicon, share * of_inside


def natural_field() -> Field:
    """Return the field of natural gammas as it is nearly everywhere."""
    return Field(natural_spectrum(), NATURAL_USV_H)


def hits_in(camera: Camera, spectrum: Spectrum, cache: Path | None = None) -> HitLibrary:
    """Return the library of hits of a radiation in front of the camera."""
    inside, _ = at_sensor(camera, spectrum)
    count = _NATURAL_HITS if spectrum.name == NATURAL else LIBRARY_HITS
    return build_library(inside, camera, count, cache=cache)


def hit_rate(camera: Camera, field: Field, cache: Path | None = None) -> tuple[float, float]:
    """Return hits a second on the whole sensor at full duty, and the standard error of the simulation."""
    _, share = at_sensor(camera, field.spectrum)
    library = hits_in(camera, field.spectrum, cache)
    rate = library.hits_per_s_per_usv_h(camera, field.spectrum) * share * field.dose_rate_usv_h
    return rate, rate * library.hits_per_fluence_error / library.hits_per_fluence_cm2
