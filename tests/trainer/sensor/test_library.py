from pathlib import Path

import numpy as np

from trainer.sensor.camera import OV2710
from trainer.sensor.library import build_library
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
