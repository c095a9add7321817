"""The wheel of a box: installed by pip without a network, it has edge and none of the other packages."""

import shutil
import subprocess
import sys
import zipfile
from email import message_from_string
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from packaging.utils import parse_wheel_filename

import edge
from firmware_config import own_wheel
from firmware_config.errors import FirmwareError
from firmware_config.own_wheel import requirements, wheel_bytes, wheel_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LEAVE_OUT = (
    "import importlib.util as u; print([n for n in ('trainer', 'quantize', 'firmware_config') if u.find_spec(n)])"
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("wheel") / wheel_name()
    path.write_bytes(wheel_bytes())
    return path


def test_wheel_has_edge_and_its_data_alone(wheel) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"edge", f"gammabox-{edge.__version__}.dist-info"}
    assert {"edge/agent.py", "edge/py.typed", "edge/control_room/page/static/index.html"} <= set(names)
    assert any(name.startswith("edge/telemetry/schemas/") for name in names)
    assert not [name for name in names if "__pycache__" in name or name.startswith("edge/models/")]
    sources = {
        path.relative_to(Path(edge.__file__).parents[1]).as_posix() for path in Path(edge.__file__).parent.rglob("*.py")
    }
    assert sources <= set(names)


def data_of_edge() -> set[str]:
    """Return the files of the package that are neither modules nor models."""
    folder = Path(edge.__file__).parent
    files = {path.relative_to(folder.parent).as_posix() for path in folder.rglob("*") if path.is_file()}
    return {name for name in files if not name.endswith((".py", ".pyc")) and not name.startswith("edge/models/")}


def test_wheel_has_all_data_of_edge(wheel) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {"edge/detect/faint.json", "edge/detect/light.json", "edge/review/sensor_model.json"} < data_of_edge()
    assert {name for name in names if name.startswith("edge/") and not name.endswith(".py")} == data_of_edge()


def test_pyproject_names_all_data_of_edge() -> None:
    folder = Path(edge.__file__).parent
    project = tomllib.loads((folder.parent / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["edge"]
    named = {path.relative_to(folder.parent).as_posix() for each in patterns for path in folder.glob(each)}
    assert data_of_edge() <= named


def test_wheel_requires_what_the_box_needs(wheel) -> None:
    name, version, *_ = parse_wheel_filename(wheel.name)
    text = zipfile.ZipFile(wheel).read(f"gammabox-{edge.__version__}.dist-info/METADATA").decode()
    about = message_from_string(text)
    assert (about["Name"], about["Version"]) == (name, str(version))
    assert about.get_all("Requires-Dist") == requirements()
    assert any(line.startswith("ai-edge-litert") for line in requirements())
    assert not any("tensorflow" in line or ";" in line for line in requirements())


def test_wheel_installs_and_imports_without_the_trainer(wheel, tmp_path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", tmp_path / "site"]
    subprocess.run([*pip, wheel], check=True, capture_output=True, text=True)
    # -S leaves out this environment, which has the repository itself.
    found = subprocess.run(
        [sys.executable, "-S", "-c", LEAVE_OUT], capture_output=True, text=True, check=True, cwd="/",
        env={"PYTHONPATH": str(tmp_path / "site")},
    )  # fmt: skip
    assert found.stdout.strip() == "[]"
    command = [tmp_path / "site/bin/gammabox-edge", "--version"]
    path = f"{tmp_path / 'site'}"
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/", env={"PYTHONPATH": path})
    assert ran.stdout.strip() == edge.__version__


def test_wheel_has_the_same_bytes_from_another_folder(wheel, tmp_path, monkeypatch) -> None:
    copy = tmp_path / "elsewhere" / "edge"
    shutil.copytree(Path(edge.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "notes.txt").write_text("not of the package")
    monkeypatch.setattr(edge, "__file__", str(copy / "__init__.py"))
    assert wheel_bytes() == wheel.read_bytes()


def test_requirements_say_when_gammabox_is_not_installed(monkeypatch) -> None:
    def absent(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(own_wheel, "requires", absent)
    with pytest.raises(FirmwareError, match="gammabox is not installed here"):
        requirements()
