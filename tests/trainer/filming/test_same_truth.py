"""The same seed gives the same truth on every machine: tried with the processor's newer instructions switched off."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import hashlib, json
import numpy as np
from trainer.filming.events import FilmHits, draw_events
from trainer.filming.truth import truth_line
from trainer.scenes.hall import default_scene
from trainer.sensor.camera import OV2710, change
from trainer.sensor.library import simulate_hits
from trainer.sensor.photons import source_spectrum
from trainer.sensor.radiation import at_sensor

camera = change(OV2710, width=320, height=240, denoise=0.3, sharpen=0.7)
inside, _ = at_sensor(camera, source_spectrum("Tc-99m"))
library = simulate_hits(camera, inside, 60, 1)
rate = library.hits_per_s_per_usv_h(camera, inside) * 3e5
hits = FilmHits(camera, (draw_events(library, rate, (0.0, 0.2), camera, np.random.default_rng([1, 1])),))
scene = zip(range(6), default_scene(320, 240, 1))
truth = [truth_line(picture, hit, camera) for number, picture in scene for hit in hits.of_frame(number)]
assert len(truth) > 20
print(json.dumps(truth))
"""
OLDER = {
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX2 FMA3 AVX512F AVX512_SKX ASIMDHP ASIMDDP",
    "OPENCV_CPU_DISABLE": "AVX2,AVX512-SKX,FP16,FMA3",
    "OPENCV_IPP": "disabled",
    "OPENBLAS_CORETYPE": "Nehalem",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F",
}


def truth_with(**environment: str) -> str:
    made = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return made.stdout


@pytest.mark.slow
def test_film_has_the_same_truth_on_an_older_processor() -> None:
    assert truth_with() == truth_with(**OLDER)
