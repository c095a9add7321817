from pathlib import Path

import numpy as np

from trainer.sensor.camera import OV2710
from trainer.sensor.library import LIBRARY_VERSION, HitLibrary, build_library, simulate_hits, turned
from trainer.sensor.photons import Spectrum


def test_build_library_replaces_a_damaged_cache(tmp_path: Path) -> None:
    line = Spectrum("line", np.array([60.0]), np.array([1.0]))
    made = build_library(line, OV2710, 20, 1, cache=tmp_path)
    (kept,) = tmp_path.glob("*.npz")
    again = build_library(line, OV2710, 20, 1, cache=tmp_path)
    kept.write_bytes(kept.read_bytes()[:300])
    anew = build_library(line, OV2710, 20, 1, cache=tmp_path)
    for other in (again, anew):
        assert other.hits_per_fluence_cm2 == made.hits_per_fluence_cm2
        assert all((a == b).all() for a, b in zip(made.maps, other.maps, strict=True))


def test_turned_gives_eight_positions() -> None:
    charge = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert len({turned(charge, turn).tobytes() + bytes(turned(charge, turn).shape) for turn in range(8)}) == 8


def test_sample_transposes_all_but_muons() -> None:
    track = np.ones((1, 4), np.float32)
    one = np.ones(1, np.float32)
    shapes = {
        name: {charge.shape for charge, _ in HitLibrary(name, [track], one, one, 1.0, 0.0).sample(rng, 40)}
        for name, rng in (("Tc-99m", np.random.default_rng(1)), ("muon", np.random.default_rng(1)))
    }
    assert shapes == {"Tc-99m": {(1, 4), (4, 1)}, "muon": {(1, 4)}}


def test_library_version_stands_for_its_hits() -> None:
    """Where this fails the physics have changed: raise LIBRARY_VERSION, so that no cached library is reused."""
    line = Spectrum("line", np.array([60.0, 140.5]), np.array([0.5, 0.5]))
    made = simulate_hits(OV2710, line, 40, 1)
    charge = [round(float(hit.sum())) for hit in made.maps]
    assert (LIBRARY_VERSION, len(charge), sum(charge), charge[:3]) == (4, 40, 172150, [2193, 1100, 2852])
