import errno
import shutil
import tempfile
from datetime import datetime, timezone
from types import SimpleNamespace

import pytest

from edge.doctor import machine

NOW = datetime(2026, 6, 1, tzinfo=timezone.utc)


def states(findings):
    return [(finding.check, finding.state) for finding in findings]


@pytest.mark.parametrize(
    ("utc", "synchronised", "expected"),
    [
        pytest.param(datetime(1970, 1, 1, tzinfo=timezone.utc), True, "fault", id="not set"),
        pytest.param(NOW, False, "fault", id="not synchronised"),
        pytest.param(NOW, True, "ok", id="good"),
        pytest.param(NOW, None, "skipped", id="not told"),
    ],
)
def test_clock_is_set_and_synchronised(monkeypatch, utc, synchronised, expected):
    monkeypatch.setattr(machine, "is_synchronised", lambda: synchronised)
    [found] = machine.clock(utc)
    assert found.state == expected
    assert bool(found.remedy) == (expected == "fault")


def test_is_synchronised_asks_the_kernel():
    assert machine.is_synchronised() in {True, False, None}


def test_disk_is_written_to(tmp_path):
    assert states(machine.disk(tmp_path)) == [("disk", "ok"), ("disk writable", "ok")]
    assert not list(tmp_path.iterdir())


def test_disk_without_the_folder_says_so(tmp_path):
    *_, found = machine.disk(tmp_path / "a" / "b")
    assert found.state == "fault"
    assert "is missing" in found.found


def test_disk_that_is_read_only_is_a_fault(tmp_path, monkeypatch):
    def refuse(**_options):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", refuse)
    *_, found = machine.disk(tmp_path)
    assert (found.check, found.state) == ("disk writable", "fault")
    assert "Read-only file system" in found.found


def test_disk_that_is_almost_full_is_a_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=10**10, used=0, free=10**8))
    found, _ = machine.disk(tmp_path)
    assert found.state == "fault"
    assert found.found.startswith("0.1 GB of 10.0 GB free")


@pytest.mark.parametrize(
    ("celsius", "expected"), [((), "skipped"), ((41.2, 55.0), "ok"), ((41.2, 84.9), "fault"), (("x",), "skipped")]
)
def test_temperature_takes_the_hottest_zone(tmp_path, celsius, expected):
    for number, value in enumerate(celsius):
        zone = tmp_path / f"thermal_zone{number}"
        zone.mkdir()
        (zone / "temp").write_text(value if isinstance(value, str) else str(int(value * 1000)))
    [found] = machine.temperature(tmp_path)
    assert found.state == expected


@pytest.mark.parametrize(
    ("flags", "state", "found", "remedy"),
    [
        ("0", "ok", "none since the start", ""),
        ("50005", "fault", "now: under-voltage, throttled", "power supply"),
        ("20000", "fault", "since the start: frequency capped", "cool"),
        ("80008", "fault", "now: soft temperature limit", "cool"),
    ],
)
def test_throttling_reads_the_flags_of_the_firmware(tmp_path, flags, state, found, remedy):
    file = tmp_path / "get_throttled"
    file.write_text(flags + "\n")
    [finding] = machine.throttling(file)
    assert (finding.state, finding.found) == (state, found)
    assert remedy in finding.remedy


def test_throttling_asks_vcgencmd_elsewhere(tmp_path, monkeypatch):
    program = tmp_path / "vcgencmd"
    program.write_text("#!/bin/sh\necho throttled=0x1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert machine.throttled_flags(tmp_path / "none") == 1
    program.unlink()
    monkeypatch.setattr(shutil, "which", lambda _: None)
    [finding] = machine.throttling(tmp_path / "none")
    assert finding.state == "skipped"
