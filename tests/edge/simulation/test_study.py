import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import edge.commands.cli
from edge.config.device import AlarmSettings
from edge.pages.page import data_of
from edge.simulation.months import BoxLife, Tally
from edge.simulation.page import plot
from edge.simulation.passages import Passage
from edge.simulation.sensor import RESPONSES, extra_hz
from edge.simulation.study import Findings, Plan, simulate, sources_of

QUICK = (
    *("simulate-alarms", "--hours", 30, "--passages", 4, "--processes", 1),
    *("--rates", "0.2,5", "--nuclides", "Tc-99m", "--dose-rates", "20,200"),
)


def plan(seed=1):
    sources = sources_of([0.2, 5.0], ["Tc-99m", "Am-241"], [5.0, 500.0], None)
    life = BoxLife(AlarmSettings(), hours=10, restart_h=4)
    return Plan(life, 30, Passage(AlarmSettings(), 0.0, 20.0), sources, 5, seed)


def test_simulate_is_the_same_whatever_the_processes():
    done = []
    assert simulate(plan(), 2, lambda *parts: done.append(parts)) == simulate(plan(), 1)
    assert done[-1] == (9, 9)
    assert simulate(plan(2), 1).tally.hits != simulate(plan(), 1).tally.hits


def test_plot_is_a_picture_with_a_curve_for_each_nuclide():
    picture = ET.fromstring(plot(simulate(plan(), 1), 20.0))  # noqa: S314 - our own
    lines = picture.findall(".//{http://www.w3.org/2000/svg}polyline")
    words = [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert {"Tc-99m", "Am-241", "Share with an alarm within 20 s"} <= set(words)
    assert len(lines) >= 3


@pytest.mark.parametrize(("raised", "within"), [(0, True), (3, True), (4, False), (20, False)])
def test_findings_hold_the_stated_rate_against_the_interval(raised, within):
    assert Findings(Tally(hours=1000, live_hours=1000, raised=raised), 1.0, ()).within_stated == within


def test_extra_rate_follows_the_dose_rate():
    assert extra_hz("Tc-99m", 100) == pytest.approx(2 * extra_hz("Tc-99m", 50))
    assert extra_hz("Tc-99m", 100, found=0.5) == pytest.approx(1.44)
    assert all(0.5 < response.found < 1 for response in RESPONSES.values())


def test_command_keeps_the_two_figures_apart(command):
    ended = command(edge.commands.cli.main, *QUICK, "--footage-hours", 2, "--footage-alarms", 1, "--json")
    found = ended.json
    assert ended.code == 0
    assert found["without_source"]["hours"] == pytest.approx(30, abs=0.1)
    assert found["without_source"]["stated_per_1000_h"] == 1.0
    assert found["footage"] == {
        "hours": 2.0,
        "alarms": 1,
        "alarms_per_1000_h": 500.0,
        "interval_per_1000_h": pytest.approx([12.7, 2786], rel=0.005),
    }
    assert [row["nuclide"] for row in found["sources"]] == [None, None] + ["Tc-99m"] * 2
    assert found["sources"][1]["probability"] == 1.0


def test_command_prints_tables_and_writes_the_curves(command, tmp_path):
    page = tmp_path / "page.html"
    ended = command(edge.commands.cli.main, *QUICK, "--plot", tmp_path / "curves.svg", "--report", page, "--json")
    told = {key: found for key, found in ended.json.items() if key != "footage"}
    assert data_of(page.read_text()) == told
    assert "False alarms are within the stated rate" in page.read_text()
    assert (tmp_path / "curves.svg").read_text().startswith("<svg")
    ended = command(edge.commands.cli.main, *QUICK)
    assert ended.code == 0
    assert "statistical rate: 0 false alarms" in ended.out
    assert "Real footage: not stated" in ended.out
    assert "Tc-99m" in ended.out


def test_command_fails_where_more_comes_than_stated(command, tmp_path):
    events = tmp_path / "events.jsonl"
    places = np.random.default_rng(1).integers(0, (1920, 1080), (20, 2)).tolist()
    lines = [{"type": "hit", "time_s": 100 + n / 5, "x": x, "y": y, "live": True} for n, (x, y) in enumerate(places)]
    events.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    options = ("--hours", 4, "--passages", 0, "--replay", events, "--replay-seconds", 600, "--block-seconds", 30)
    ended = command(edge.commands.cli.main, "simulate-alarms", *options, "--processes", 1)
    assert ended.code == 1
    assert "replayed" in ended.out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--nuclides", "Xe-133"), "'Xe-133' is none of Tc-99m"),
        (("--rates", "1,fast"), "expected numbers above 0"),
        (("--dose-rates", "0"), "expected numbers above 0"),
        (("--replay", "none.jsonl"), "cannot be read"),
        (("--replay", "none.jsonl", "--day-swing", "0.5"), "goes without"),
        (("--config", "none.yaml"), "none.yaml"),
    ],
)
def test_command_refuses_what_it_cannot_use(command, options, words):
    assert command(edge.commands.cli.main, "simulate-alarms", *options).refused(words)
