"""The site of the manuals builds without a warning, and its API page holds what the docstrings say."""

import importlib.util
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SCRIPT = ROOT / "scripts" / "build_docs.py"


@pytest.fixture(scope="module")
def build_docs():
    spec = importlib.util.spec_from_file_location("build_docs", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("source", "link", "moved"),
    [
        ("README.md", "docs/camera.md#what-it-gives", "camera.md#what-it-gives"),
        ("README.md", "CONTRIBUTING.md", "contributing.md"),
        ("README.md", "docs/images/demo.svg", "images/demo.svg"),
        ("docs/engineer.md", "../README.md#engineer", "index.md#engineer"),
        ("docs/engineer.md", "camera.md", "camera.md"),
        ("docs/engineer.md", "#in-python", "#in-python"),
        ("docs/notebook/README.md", "../../README.md", "../index.md"),
        ("docs/notebook/2026-11-21-camera.md", "../camera.md", "../camera.md"),
        ("docs/notebook/2026-11-21-camera.md", "README.md", "README.md"),
        ("docs/engineer.md", "https://doi.org/10.1515/phys-2022-0006", "https://doi.org/10.1515/phys-2022-0006"),
    ],
)
def test_links_move_with_their_pages(build_docs, source, link, moved):
    assert build_docs.with_moved_links(f"see [it]({link}).", source) == f"see [it]({moved})."


def test_navigation_has_every_page_of_the_readme(build_docs):
    listed = re.findall(r": (.*\.md)$", build_docs.navigation(), re.MULTILINE)
    assert {page.name for page in (ROOT / "docs").glob("*.md")} <= set(listed)


def test_site_builds_without_a_warning(tmp_path):
    pytest.importorskip("zensical")
    ran = subprocess.run(
        [sys.executable, SCRIPT, tmp_path], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    page = unescape(re.sub(r"<[^>]+>", "", (tmp_path / "site" / "api" / "index.html").read_text(encoding="utf-8")))
    for sentence in (
        "Analyse a recording and return its hits and alarms",
        "Film a scene with the simulated camera beside a source, as gammabox-trainer film does",
        "Train a network on datasets into a run folder",
        "Compare a bundle with the float networks it came from",
        "Folder of the bundle; None for the one that ships.",
    ):
        assert sentence in " ".join(page.split()), sentence
    assert (tmp_path / "site" / "index.html").exists()
