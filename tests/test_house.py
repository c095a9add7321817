"""The house stands as docs/architecture.md draws it: one direction of imports, and a box without TensorFlow."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "edge": {"edge"},
    "trainer": {"edge", "trainer"},
    "quantize": {"edge", "trainer", "quantize"},
    "firmware_config": {"edge", "firmware_config"},
}
HEAVY = ("tensorflow", "keras", "jax", "torch", "scipy", "sklearn", "matplotlib", "trainer", "quantize")


def imported_packages(module: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_point_in_one_direction(package: str) -> None:
    modules = list((ROOT / package).rglob("*.py"))
    assert modules
    for module in modules:
        others = imported_packages(module) & set(MAY_IMPORT)
        assert others <= MAY_IMPORT[package], f"{module.relative_to(ROOT)} imports {others - MAY_IMPORT[package]}"


def test_edge_names_no_heavy_package() -> None:
    for module in (ROOT / "edge").rglob("*.py"):
        assert not imported_packages(module) & set(HEAVY), module


def test_importing_all_of_edge_loads_nothing_heavy() -> None:
    names = [
        ".".join(module.relative_to(ROOT).with_suffix("").parts)
        for module in (ROOT / "edge").rglob("*.py")
        if module.name != "__init__.py"
    ]
    program = (
        f"import importlib, sys\nfor name in {names!r}: importlib.import_module(name)\n"
        f"print(sorted(set(sys.modules) & set({HEAVY!r})))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert ran.stdout.strip() == "[]"
