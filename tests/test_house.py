"""The house stands as docs/architecture.md draws it and keeps to the limits of CONTRIBUTING.md."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "edge": {"edge"},
    "trainer": {"edge", "trainer"},
    "quantize": {"edge", "trainer", "quantize"},
    "firmware_config": {"edge", "firmware_config"},
}
# Modules and folders of a package from the bottom to the top: each uses only what stands above it in this list. Where
# several stand in one line they do not use one another.
ROOMS: dict[str, tuple[tuple[str, ...], ...]] = {
    "edge": (
        ("clock", "lazy", "overlap", "redaction", "release", "statistics", "text", "systemd"),
        ("errors",),
        ("process", "workers"),
        ("arguments",),
        ("files",),
        ("output", "installer"),
        ("updater",),
        ("config", "pages", "truth"),
        ("capture",),
        ("detect",),
        ("bundle",),
        ("alarm",),
        ("evidence", "pipeline", "simulation"),
        ("telemetry",),
        ("control_room",),
        ("site",),
        ("journal", "reporting", "supervision"),
        ("observer", "outcome"),
        ("announcer", "commander", "heart", "offers"),
        ("actions",),
        ("agent", "analysis", "bench", "doctor"),
        ("library", "review"),
        ("commands",),
    ),
    "trainer": (
        ("errors", "progress"),
        ("values",),
        ("sensor",),
        ("scenes",),
        ("filming",),
        ("data",),
        ("training",),
        ("judging",),
        ("paper",),
        ("studies",),
        ("library",),
        ("commands",),
        ("demo_view",),
        ("__main__", "demo"),
        ("demo_page",),
    ),
    "quantize": (
        ("errors", "extremes", "graph", "intervals", "planes", "predictions", "qat_worker"),
        ("representative", "runtime_worker"),
        ("agreement", "conversion", "origin", "runtimes"),
        ("environments", "layers", "pairing"),
        ("clip", "measure", "qat"),
        ("bundling", "limits"),
        ("checking", "compare", "reference_run", "timing"),
        ("options", "report"),
        ("library", "page"),
        ("commands",),
    ),
    "firmware_config": (
        ("cameras", "errors", "templating", "yaml_text"),
        ("archives", "certificates", "ledger", "results", "site", "ssh", "targets"),
        ("box_doctor", "device", "folder", "output", "own_wheel", "tool"),
        ("keyring", "release_keys", "site_checks", "wheels"),
        ("bom",),
        ("release",),
        ("broker", "connection", "credentials", "new_site", "own_authority", "site_file"),
        ("flash", "label", "path_to_broker", "publication", "render", "roll_out", "verify"),
        ("ansible", "box"),
        ("image", "install"),
        ("commands",),
    ),
}
MAX_LINES = 350
MAX_LINES_OF_FUNCTION = 60
MAX_PARAMETERS_OF_COMMAND = 12
FORBIDDEN_OPENINGS = ("Give ", "Tell ")
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


def modules_of(package: str) -> dict[str, Path]:
    """Return the files of a package by the name that imports them."""
    files = sorted((ROOT / package).rglob("*.py"))
    return {".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file for file in files}


def imported_modules(file: Path, known: set[str]) -> set[str]:
    """Return those of the known modules that a file imports anywhere: within functions and for types alone, too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in known else node.module for name in inner}
    return found & known


def circles(uses: dict[str, set[str]]) -> list[frozenset[str]]:
    """Return the sets of names that reach one another."""
    reached = {name: set(others) for name, others in uses.items()}
    grown = True
    while grown:
        grown = False
        for others in reached.values():
            further = set().union(*(reached[other] for other in others)) - others
            others.update(further)
            grown |= bool(further)
    in_circles = [name for name, others in reached.items() if name in others]
    found = {frozenset(other for other in reached[name] if name in reached[other]) for name in in_circles}
    return sorted(found, key=sorted)


@pytest.mark.parametrize("package", ROOMS)
def test_rooms_use_only_rooms_below(package: str) -> None:
    height = {room: level for level, rooms in enumerate(ROOMS[package]) for room in rooms}
    modules = modules_of(package)
    wrong = []
    for name, file in modules.items():
        if name == package:  # its face: names of all rooms, imported when they are used
            continue
        for used in imported_modules(file, set(modules)) - {package, name}:
            room, other = name.split(".")[1], used.split(".")[1]
            assert room in height, f"{name}: add its room to ROOMS"
            if room != other and height[other] >= height[room]:
                wrong.append(f"{name} imports {used}")
    assert not wrong


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_files_do_not_import_each_other(package: str) -> None:
    modules = modules_of(package)
    uses = {name: imported_modules(file, set(modules)) - {name, package} for name, file in modules.items()}
    assert [sorted(names) for names in circles(uses)] == []


def test_circles_are_found() -> None:
    uses = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set(), "e": {"a"}}
    assert circles(uses) == [frozenset("abc")]


SOURCES = sorted(file for folder in (*MAY_IMPORT, "scripts") for file in (ROOT / folder).rglob("*.py"))
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions_of(file: Path) -> Iterator[tuple[str, Function]]:
    """Yield each function of a file and its name for messages, inner functions and methods included."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, Function):
            yield f"{file.relative_to(ROOT)}:{node.lineno} {node.name}", node


def test_modules_have_at_most_350_lines() -> None:
    lengths = {str(file.relative_to(ROOT)): len(file.read_text(encoding="utf-8").splitlines()) for file in SOURCES}
    assert len(lengths) > 200
    assert {name: lines for name, lines in lengths.items() if lines > MAX_LINES} == {}


def test_functions_have_at_most_60_lines() -> None:
    lengths = {
        name: function.end_lineno - function.lineno + 1 for file in SOURCES for name, function in functions_of(file)
    }
    assert {name: lines for name, lines in lengths.items() if lines > MAX_LINES_OF_FUNCTION} == {}


def test_commands_have_at_most_12_parameters() -> None:
    modules = [file for file in SOURCES if "commands" in file.relative_to(ROOT).with_suffix("").parts]
    counts = {}
    for name, function in (found for file in modules for found in functions_of(file)):
        given = function.args
        counts[name] = len(given.posonlyargs) + len(given.args) + len(given.kwonlyargs)
    assert any(name.endswith(" analyze") for name in counts)
    assert {name: count for name, count in counts.items() if count > MAX_PARAMETERS_OF_COMMAND} == {}


def test_docstrings_do_not_begin_with_give_or_tell() -> None:
    wrong = []
    for file in SOURCES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, Function | ast.ClassDef | ast.Module):
                docstring = ast.get_docstring(node) or ""
                if docstring.startswith(FORBIDDEN_OPENINGS):
                    wrong.append(f"{file.relative_to(ROOT)}: {docstring.splitlines()[0]}")
    assert not wrong
