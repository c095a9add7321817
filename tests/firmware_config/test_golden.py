"""The files of each board are those that are kept, byte by byte: whoever changes them sees what changes on a box."""

import difflib

from golden import FOLDER, golden_files


def test_rendered_files_are_the_kept_ones() -> None:
    rendered = golden_files()
    kept = {
        path.relative_to(FOLDER).as_posix(): path.read_text("utf-8") for path in FOLDER.rglob("*") if path.is_file()
    }
    differences = [
        line
        for name in sorted({*rendered, *kept})
        if rendered.get(name) != kept.get(name)
        for line in difflib.unified_diff(
            kept.get(name, "").splitlines(),
            rendered.get(name, "").splitlines(),
            f"kept/{name}",
            "rendered",
            lineterm="",
        )
    ]
    assert not differences, "\n".join([*differences[:60], "If this is meant: python tests/tools/golden.py"])


def test_rendered_files_are_the_same_again() -> None:
    assert golden_files() == golden_files()
