from pathlib import Path

import pytest

from trainer.sensor.camera import OV2710, change
from trainer.sensor.library import HitLibrary
from trainer.studies import minimum_detectable
from trainer.studies.minimum_detectable import Setting, minimum_dose_rates, minimum_rate_hz, visible_share

QUICK = Setting(seconds=20.0, shown_hits=60, passages=30)


def test_minimum_rate_rises_with_the_background() -> None:
    quiet, noisy = (minimum_rate_hz(QUICK, hz, 1 / 30, 30.0) for hz in (0.05, 1.0))
    assert noisy > 1.3 * quiet


def test_visible_share_falls_with_defect_correction(library: HitLibrary) -> None:
    off, strong = (
        visible_share(change(OV2710, defect_correction=on, defect_threshold=0.05), library, QUICK)
        for on in (False, True)
    )
    assert 0.7 < off < 0.95
    assert strong < off - 0.15


def test_minimum_dose_rates_of_every_camera_and_exposure(
    tmp_path: Path, library: HitLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(minimum_detectable, "hits_in", lambda *_: library)
    monkeypatch.setattr(minimum_detectable, "hit_rate", lambda *_: (0.028, 0.001))
    cameras = {"off": {"defect_correction": False}, "on": {"defect_threshold": 0.05}}
    rows = minimum_dose_rates(OV2710, ("Tc-99m",), (1 / 30, 0.01), cameras, QUICK, cache=tmp_path)
    assert [(row.camera, round(row.exposure_ms)) for row in rows] == [("off", 33), ("off", 10), ("on", 33), ("on", 10)]
    off, short, on, _ = (row.dose_rate_usv_h for row in rows)
    assert off < short
    assert off < on
    assert all(row.low_usv_h < row.dose_rate_usv_h < row.high_usv_h for row in rows)
