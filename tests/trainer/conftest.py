"""A small camera and a library of hits made once, for all tests of the workstation."""

import numpy as np
import pytest

from trainer.sensor.camera import OV2710, Camera, change
from trainer.sensor.library import HitLibrary, simulate_hits
from trainer.sensor.photons import Spectrum


@pytest.fixture(scope="session")
def camera() -> Camera:
    """An OV2710 of few pixels."""
    return change(OV2710, width=160, height=120)


@pytest.fixture(scope="session")
def library() -> HitLibrary:
    """Hits of 140.5 keV photons."""
    return simulate_hits(OV2710, Spectrum("Tc-99m", np.array([140.5]), np.array([1.0])), 150, 1)
