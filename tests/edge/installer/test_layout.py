import pytest
from release_rig import a_manifest, signed

from edge.errors import ReleaseError
from edge.installer.layout import active_slot, installed_number, other_slot, slot_manifest, slot_path, switch


def fill(base, slot, **changes) -> None:
    folder = slot_path(base, slot)
    folder.mkdir(parents=True)
    (folder / "release.json").write_bytes(signed(a_manifest(**changes)))
    (folder / "RELEASE").write_text("0.1.0-7\n")


def test_switch_goes_from_slot_to_slot(tmp_path) -> None:
    assert (active_slot(tmp_path), other_slot(tmp_path), installed_number(tmp_path)) == (None, "a", None)
    fill(tmp_path, "a")
    assert switch(tmp_path, "a") is None
    assert (active_slot(tmp_path), other_slot(tmp_path), installed_number(tmp_path)) == ("a", "b", 7)
    fill(tmp_path, "b", number=8)
    switch(tmp_path, "b")
    assert (active_slot(tmp_path), other_slot(tmp_path), installed_number(tmp_path)) == ("b", "a", 8)
    assert (tmp_path / "venv").readlink().as_posix() == "slots/b"


@pytest.mark.parametrize("missing", ["RELEASE", "release.json"])
def test_switch_refuses_a_slot_that_is_not_whole(tmp_path, missing) -> None:
    fill(tmp_path, "a")
    switch(tmp_path, "a")
    fill(tmp_path, "b")
    (slot_path(tmp_path, "b") / missing).unlink()
    assert slot_manifest(slot_path(tmp_path, "b")) is None
    with pytest.raises(ReleaseError, match="slot b holds no whole release"):
        switch(tmp_path, "b")
    assert active_slot(tmp_path) == "a"


def test_slot_manifest_needs_a_name_and_a_readable_envelope(tmp_path) -> None:
    fill(tmp_path, "a")
    (slot_path(tmp_path, "a") / "RELEASE").write_text("")
    assert slot_manifest(slot_path(tmp_path, "a")) is None
    (slot_path(tmp_path, "a") / "RELEASE").write_text("x")
    (slot_path(tmp_path, "a") / "release.json").write_text("{}")
    assert slot_manifest(slot_path(tmp_path, "a")) is None


def test_switch_moves_an_environment_made_by_hand(tmp_path) -> None:
    fill(tmp_path, "a")
    (tmp_path / "venv/bin").mkdir(parents=True)
    (tmp_path / "venv.by-hand").mkdir()
    assert active_slot(tmp_path) is None
    assert switch(tmp_path, "a") == tmp_path / "venv.by-hand-2"
    assert (tmp_path / "venv.by-hand-2/bin").is_dir()
    assert active_slot(tmp_path) == "a"


def test_active_slot_takes_no_other_link(tmp_path) -> None:
    (tmp_path / "venv").symlink_to("/somewhere/else")
    assert active_slot(tmp_path) is None
