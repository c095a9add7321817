"""Cameras for datasets: real sensors differ and none is known exactly, so each shot is taken with another camera."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainer.sensor.camera import OV2710, Camera, change

if TYPE_CHECKING:
    from numpy.random import Generator


def random_camera(rng: Generator, size: int) -> Camera:
    """Draw a camera around the OV2710 with a picture of size × size: pixel, noise, faults, image pipeline.

    Full well 4 to 12 ke⁻, gain 1 to 8 (white at 0.7 to 12 ke⁻), read noise 2 to 10 e⁻, hot and telegraph pixels up to a
    hundred times the preset's, sharpening 0 to 1.2. Two cameras in three correct defects, as most real ones do, from a
    threshold that spares most hits to one that removes all of a single pixel; three in ten reduce noise over time.
    These ranges are a choice, within those of docs/camera-parameters.md.
    """
    full_well_e = float(rng.uniform(4000, 12000))
    gain = min(float(np.exp(rng.uniform(0, np.log(8)))), full_well_e / 700)
    return change(
        OV2710,
        name="random",
        width=size,
        height=size,
        bayer=str(rng.choice(["RGGB", "BGGR", "GRBG", "GBRG"])),
        full_well_e=full_well_e,
        gain=max(gain, 1.0),
        read_noise_e=float(np.exp(rng.uniform(np.log(2), np.log(10)))),
        row_noise_e=float(rng.uniform(0, 1.5)),
        prnu=float(rng.uniform(0.002, 0.02)),
        temperature_c=float(rng.uniform(10, 55)),
        hot_fraction=float(np.exp(rng.uniform(np.log(1e-6), np.log(1e-3)))),
        telegraph_fraction=float(np.exp(rng.uniform(np.log(1e-5), np.log(1e-3)))),
        telegraph_e=float(rng.uniform(30, 200)),
        telegraph_dwell_s=float(np.exp(rng.uniform(np.log(0.02), np.log(2)))),
        black_offset_dn=float(rng.uniform(-4, 12)),
        defect_correction=bool(rng.random() < 2 / 3),
        defect_threshold=float(np.exp(rng.uniform(np.log(0.02), np.log(0.5)))),
        wb_red=float(rng.uniform(1.1, 2.2)),
        wb_blue=float(rng.uniform(1.1, 2.2)),
        sharpen=float(rng.uniform(0, 1.2)) if rng.random() < 0.7 else 0.0,
        denoise=float(rng.uniform(0, 0.6)) if rng.random() < 0.25 else 0.0,
        temporal_denoise=float(rng.uniform(0.05, 0.7)) if rng.random() < 0.3 else 0.0,
        jpeg_quality=int(rng.integers(70, 96)),
    )


def random_cover_camera(rng: Generator, size: int) -> Camera:
    """Draw a camera that was covered while hits were recorded; its picture is size × size.

    Unlike the camera that sees the scene it need not show scenes well: webcams encode the dark linearly or with the
    sRGB curve, cut the black level deep, halve the colours, and scale a larger sensor down to the picture, which leaves
    hits of one to a dozen pixels. All of it is drawn widely, none fitted to a recording.
    """
    scale_down = 2 if rng.random() < 0.5 else 1
    camera = random_camera(rng, size * scale_down)
    gentle = rng.random() < 0.25
    return change(
        camera,
        scale_down=scale_down,
        tone_gamma=0.0 if gentle else float(rng.uniform(1.0, 2.2)),
        digital_gain=float(np.exp(rng.uniform(np.log(1), np.log(4 if scale_down > 1 else 1.5)))),
        black_offset_dn=float(rng.uniform(-4, 12) if rng.random() < 0.5 else rng.uniform(0, 40)),
        chroma_422=bool(rng.random() < 0.5),
        wb_red=float(rng.uniform(1.0, 2.0)),
        wb_blue=float(rng.uniform(1.0, 2.0)),
    )
