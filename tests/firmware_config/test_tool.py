"""The tool of a box runs on the standard library alone, with the system's Python."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from firmware_config import tool
from firmware_config.tool import tool_bytes

PYTHONS = sorted({path for name in ("/usr/bin/python3", sys.executable) if (path := shutil.which(name))})
IMPORT_ALL = """
import importlib, sys, zipfile
sys.path.insert(0, sys.argv[1])
names = [name[:-3].replace("/", ".").removesuffix(".__init__") for name in zipfile.ZipFile(sys.argv[1]).namelist()]
for name in names:
    if name != "__main__":
        importlib.import_module(name)
roots = {name.partition(".")[0] for name in sys.modules}
print(sorted(root for root in roots - {"edge", "__main__"} if root not in sys.stdlib_module_names))
"""


@pytest.fixture
def pyz(tmp_path) -> Path:
    path = tmp_path / tool.NAME
    path.write_bytes(tool_bytes())
    return path


@pytest.mark.parametrize("python", PYTHONS)
def test_tool_needs_only_the_standard_library(pyz, python) -> None:
    ran = subprocess.run([python, "-I", "-S", "-c", IMPORT_ALL, pyz], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize("python", PYTHONS)
def test_tool_runs_as_one_file(pyz, tmp_path, python) -> None:
    ran = subprocess.run(
        [python, "-I", "-S", pyz, "show", "--root", tmp_path], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "slot a: no whole release\nslot b: no whole release\n"


def test_tool_says_in_a_line_what_is_wrong(pyz, tmp_path) -> None:
    command = [sys.executable, "-I", "-S", pyz, "install", tmp_path / "none", "--root", tmp_path]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert ran.stderr == (
        f"error: {tmp_path}/none: is no release (no such file or directory); name a release's folder or archive\n"
    )


def test_tool_has_the_same_bytes_from_another_folder(pyz, tmp_path, monkeypatch) -> None:
    copy = tmp_path / "elsewhere" / "edge"
    shutil.copytree(Path(tool.edge.__file__).parent, copy, ignore=shutil.ignore_patterns("models", "__pycache__"))
    monkeypatch.setattr(tool.edge, "__file__", str(copy / "__init__.py"))
    assert tool_bytes() == pyz.read_bytes()
    assert "edge/installer/envelope.py" in zipfile.ZipFile(pyz).namelist()
