"""Only rendered files that changed are written, and foreign or edited files stay."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_config.errors import OutputError
from firmware_config.output import MANIFEST, write_folder

FILES = {"a.txt": "one\n", "boxes/b/unit": "two\n"}


def tree(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }


def test_write_folder_makes_a_new_folder(tmp_path: Path) -> None:
    result = write_folder(tmp_path / "deep" / "out", FILES)
    assert tree(tmp_path / "deep" / "out") == FILES
    assert (result.written, result.unchanged, result.removed) == (("a.txt", "boxes/b/unit"), (), ())


def test_write_folder_keeps_the_time_of_unchanged_files(tmp_path: Path) -> None:
    write_folder(tmp_path, FILES)
    for path in tmp_path.rglob("*"):
        os.utime(path, (1, 1))
    result = write_folder(tmp_path, {**FILES, "a.txt": "new\n"})
    assert result.written == ("a.txt",)
    assert (tmp_path / "boxes/b/unit").stat().st_mtime == 1
    assert (tmp_path / "a.txt").stat().st_mtime > 1
    os.utime(tmp_path / MANIFEST, (1, 1))
    write_folder(tmp_path, {**FILES, "a.txt": "new\n"})
    assert (tmp_path / MANIFEST).stat().st_mtime == 1


def test_write_folder_removes_files_no_longer_rendered(tmp_path: Path) -> None:
    write_folder(tmp_path, {**FILES, "boxes/c/unit": "three\n"})
    (tmp_path / "boxes/b/note.txt").write_text("mine\n", encoding="utf-8")
    result = write_folder(tmp_path, {"a.txt": "one\n"})
    assert result.removed == ("boxes/b/unit", "boxes/c/unit")
    assert tree(tmp_path) == {"a.txt": "one\n", "boxes/b/note.txt": "mine\n"}
    assert not (tmp_path / "boxes/c").exists()


def test_write_folder_overwrites_edits_only_with_force(tmp_path: Path) -> None:
    write_folder(tmp_path, FILES)
    (tmp_path / "a.txt").write_text("edited\n", encoding="utf-8")
    with pytest.raises(OutputError, match=r"a\.txt changed since rendering.*--force"):
        write_folder(tmp_path, {**FILES, "a.txt": "new\n", "b.txt": "four\n"})
    assert tree(tmp_path) == {**FILES, "a.txt": "edited\n"}
    assert write_folder(tmp_path, FILES, force=True).written == ("a.txt",)
    assert tree(tmp_path) == FILES


def test_write_folder_keeps_edited_files_of_earlier_calls(tmp_path: Path) -> None:
    write_folder(tmp_path, FILES)
    (tmp_path / "boxes/b/unit").write_text("edited\n", encoding="utf-8")
    assert write_folder(tmp_path, {"a.txt": "one\n"}).removed == ()
    assert tree(tmp_path)["boxes/b/unit"] == "edited\n"


def test_write_folder_refuses_a_foreign_folder(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years\n", encoding="utf-8")
    with pytest.raises(OutputError, match=r"holds files of others \(thesis\.tex\)"):
        write_folder(tmp_path, FILES, force=True)
    assert tree(tmp_path) == {"thesis.tex": "years\n"}


def test_write_folder_refuses_a_file_in_place_of_a_folder(tmp_path: Path) -> None:
    write_folder(tmp_path, {"a.txt": "one\n"})
    (tmp_path / "boxes").write_text("no folder\n", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot be written"):
        write_folder(tmp_path, FILES)
    assert (tmp_path / "boxes").read_text(encoding="utf-8") == "no folder\n"


@pytest.mark.parametrize("link", ["a.txt", "boxes", "boxes/b"])
def test_write_folder_writes_nothing_through_a_link(tmp_path: Path, link: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    out = tmp_path / "out"
    write_folder(out, {"z.txt": "z\n"})
    (out / link).parent.mkdir(exist_ok=True)
    (out / link).symlink_to(outside)
    with pytest.raises(OutputError, match="symbolic link"):
        write_folder(out, FILES, force=True)
    assert not list(outside.iterdir())


@pytest.mark.parametrize("name", ["../victim", "/etc/hostname", "a/../../victim", ".", "..", "", "a//b", "a\n"])
def test_write_folder_with_a_forged_manifest_removes_nothing(tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    write_folder(out, FILES)
    victim = tmp_path / "victim"
    victim.write_text("", encoding="utf-8")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    (out / MANIFEST).write_text(json.dumps({"files": {name: empty}}), encoding="utf-8")
    with pytest.raises(OutputError, match="is damaged"):
        write_folder(out, FILES)
    assert victim.exists()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"files": []}', '{"files": {"a": 1}}', "\udcff"])
def test_write_folder_refuses_a_damaged_manifest(tmp_path: Path, content: str) -> None:
    write_folder(tmp_path, FILES)
    (tmp_path / MANIFEST).write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(OutputError, match="is damaged"):
        write_folder(tmp_path, FILES)


def test_write_folder_names_a_place_that_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    for out in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(OutputError, match=r"cannot be (read|written)"):
            write_folder(out, FILES)


def test_write_folder_names_a_folder_without_write_rights() -> None:
    # Not even root makes folders here.
    with pytest.raises(OutputError, match=r"/proc/.*cannot be written"):
        write_folder(Path("/proc/gammabox"), FILES)


def test_write_folder_completes_a_call_that_was_cut_short(tmp_path: Path) -> None:
    (tmp_path / "boxes").mkdir(parents=True)
    write_folder(tmp_path / "out", {"boxes/b/unit": "old\n"})
    # A folder where a file belongs stops the run between its files.
    (tmp_path / "out/c.txt").mkdir()
    (tmp_path / "out/c.txt/x").write_text("", encoding="utf-8")
    wanted = {**FILES, "c.txt": "three\n"}
    with pytest.raises(OutputError):
        write_folder(tmp_path / "out", wanted)
    (tmp_path / "out/c.txt/x").unlink()
    (tmp_path / "out/c.txt").rmdir()
    write_folder(tmp_path / "out", wanted)
    assert tree(tmp_path / "out") == wanted


NAMES = st.sampled_from(["a", "b", "d/a", "d/b", "d/e/a"])
FOLDERS = st.dictionaries(NAMES, st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=5), min_size=1)


@given(steps=st.lists(FOLDERS, min_size=1, max_size=4))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_write_folder_after_any_history_holds_the_last(
    tmp_path_factory: pytest.TempPathFactory, steps: list[dict[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("history")
    for files in steps:
        write_folder(folder, files)
    assert tree(folder) == steps[-1]


def test_write_folder_refuses_that_of_another_owner(tmp_path: Path) -> None:
    write_folder(tmp_path, FILES, owner="files of site campus")
    for force in (False, True):
        with pytest.raises(OutputError, match=r"holds the 'files of site campus'.*nothing was changed"):
            write_folder(tmp_path, {"a.txt": "three\n"}, owner="files of site docks", force=force)
    assert tree(tmp_path) == FILES


def test_write_folder_keeps_private_files_to_their_owner(tmp_path: Path) -> None:
    write_folder(tmp_path, FILES, private=["a.txt"])
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "boxes/b/unit").stat().st_mode & 0o044
