"""The parts of scripts/check_camera.py that need no virtual machine."""

import importlib.util
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent.parent / "scripts"


@pytest.fixture(scope="module")
def check_camera():
    spec = importlib.util.spec_from_file_location("check_camera", SCRIPTS / "check_camera.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_archive_is_unpacked_by_cpio(check_camera, tmp_path):
    if check_camera.busybox() is None:
        pytest.skip("busybox is not installed")
    archive = check_camera.Archive()
    archive.add("folder", b"", 0o040755)
    archive.add("folder/five", b"12345", 0o100644)
    archive.add("init", b"#!/bin/sh\n", 0o100755)
    subprocess.run(["busybox", "cpio", "-i"], input=archive.finished(), cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "folder" / "five").read_bytes() == b"12345"
    assert (tmp_path / "init").stat().st_mode & 0o777 == 0o755


def test_missing_programs_are_named_by_package(check_camera, monkeypatch):
    monkeypatch.setattr(check_camera.shutil, "which", lambda _: None)
    with pytest.raises(check_camera.UnavailableError) as missing:
        check_camera.check_programs()
    assert str(missing.value) == "apt-get install qemu-system-x86 kmod dpkg busybox-static"


def test_guest_is_told_from_a_failure(check_camera, monkeypatch, tmp_path, capsys):
    kernel = tmp_path / "kernel"
    (kernel / "lib" / "modules" / "6.1").mkdir(parents=True)
    real = subprocess.Popen
    shown = 'boot\nok frames come\nRESULT {"frames come": true}\nnoise RESULT {"gain": false}\n'
    monkeypatch.setattr(check_camera.subprocess, "Popen", lambda _command, **how: real(["printf", "%s", shown], **how))
    results = check_camera.run_guest(kernel, tmp_path / "initrd", "tcg", 5)
    assert results == {"frames come": True, "gain": False}
    assert "ok frames come" in capsys.readouterr().out
