"""Published figures of such sensors: the OV5647 with Cs-137, the webcam's own calibration with X-ray lines."""

from __future__ import annotations

import numpy as np

from trainer.sensor.camera import OV2710, WEBCAM_XRAY, change
from trainer.sensor.library import simulate_hits
from trainer.sensor.photons import Spectrum, source_spectrum
from trainer.studies.sensor_validation.checks import Check, Curve, Plot
from trainer.studies.sensor_validation.clusters import find_clusters, ks_distance
from trainer.studies.sensor_validation.webcam import covered_frames

# 1.4 µm pixels, 4.3 ke⁻ full well: OV5647 product brief. Thin layers, back-illuminated: the rest is assumed.
OV5647 = {
    "name": "OV5647",
    "width": 2592,
    "height": 1944,
    "pixel_um": 1.4,
    "epi_um": 3.0,
    "depletion_um": 2.0,
    "substrate_diffusion_um": 0.1,
    "full_well_e": 4300.0,
}
# "E(keV) ↔ brightness, sum of r, g and b" of clusters of the same webcam, 130 kV on foils of Ag and Mo:
# README of github.com/rashurko/BachelorProject_Webcams, week 7, Trust webcam.
LINES = ((22.16, 1259.0), (17.48, 1042.0))
LINE_RATIO = (0.85, 1.15)


def check_ov5647(*, hits: int = 3000) -> Check:
    """Simulate an OV5647 with gamma sources and hold it against what the paper's abstract says."""
    camera = change(OV2710, **OV5647)
    sizes, peaks, rows = {}, {}, []
    for name in ("Cs-137", "Tc-99m", "Am-241"):
        library = simulate_hits(camera, source_spectrum(name), hits, 1)
        size = np.array([int((charge >= 50).sum()) for charge in library.maps])
        peak = np.array([min(float(charge.max()), camera.full_well_e) for charge in library.maps])
        sizes[name], peaks[name] = size, peak
        rate = library.hits_per_s_per_usv_h(camera, source_spectrum(name))
        correlation = float(np.corrcoef(np.log(np.maximum(size, 1)), np.log(peak))[0, 1])
        rows.append((name, rate, float(np.median(size)), float(np.median(peak)), correlation))
    apart = ks_distance(peaks["Cs-137"], peaks["Tc-99m"])
    return Check(
        "An OV5647 (1.4 µm pixels) with sources",
        "arXiv 2402.13993 (OV5647, Cs-137 and Sr-90; only its abstract could be had here, so no figure of it)",
        (
            "source",
            "hits/s per µSv/h",
            "median pixels ≥ 50 e⁻",
            "median peak, e⁻",
            "correlation of log size and log peak",
        ),
        tuple(rows),
        None,
        "",
        "The paper finds size and peak correlated, as here, and cannot tell Cs-137 from Sr-90: both send electrons "
        "that cross a layer of 3 µm and leave little of their energy there. Tc-99m's slower electrons leave more (a KS "
        f"distance of {apart:.2f} from Cs-137 in the peak), but a single hit still says next to nothing of its source.",
        (
            Plot(
                "OV5647: cluster size",
                "pixels of at least 50 e⁻",
                "share",
                tuple(
                    Curve(
                        name,
                        list(map(float, range(30))),
                        (np.bincount(np.minimum(size, 29), minlength=30) / len(size)).tolist(),
                        "steps",
                    )
                    for name, size in sizes.items()
                ),
            ),
        ),
    )


def check_fluorescence(*, hits: int = 2500) -> Check:
    """Compare the webcam's response to two X-ray lines with its calibration, which the fit never saw."""
    rows = []
    curves = []
    for energy, brightness in LINES:
        line = Spectrum(f"{energy} keV", np.array([energy]), np.array([1.0]))
        library = simulate_hits(WEBCAM_XRAY, line, hits, 1, normal=True)
        clusters = find_clusters(covered_frames(WEBCAM_XRAY, library, 60.0, 25, 5))
        bins = np.arange(60, 3000, 60)
        count = np.histogram(clusters.sum_dn, bins)[0]
        middle = 0.5 * (bins[1:] + bins[:-1])
        smooth = np.convolve(count, np.ones(3) / 3, "same")
        far = middle > 20 * energy  # the peak of whole deposits, not the many partial ones
        peak = float(middle[far][smooth[far].argmax()])
        rows.append((energy, peak, brightness, peak / brightness))
        curves.append(Curve(f"{energy} keV", middle.tolist(), (count / count.max()).tolist(), "steps"))
    good = all(LINE_RATIO[0] <= row[3] <= LINE_RATIO[1] for row in rows)
    return Check(
        "Brightness of whole clusters at X-ray lines, webcam",
        "the webcam's calibration by those who recorded the frames: Ag and Mo K lines",
        ("keV", "peak of the sum of all colours, simulated", "calibrated", "ratio"),
        tuple(rows),
        bool(good),
        f"within {LINE_RATIO[0]:g} to {LINE_RATIO[1]:g}",
        "An absolute test of electrons per DN that the fit on cluster shapes did not use: another tube voltage, "
        "another week, exposure and gain not recorded.",
        (Plot("Webcam: X-ray lines", "sum of B, G, R over a cluster", "clusters", tuple(curves)),),
    )
