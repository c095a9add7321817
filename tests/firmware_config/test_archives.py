import io
import tarfile
import time
import zipfile

import pytest

from firmware_config.archives import EARLIEST, source_date, write_tar, zip_bytes
from firmware_config.errors import FirmwareError


@pytest.mark.parametrize(("given", "expected"), [("", EARLIEST), ("1700000000", 1700000000), ("5", EARLIEST)])
def test_source_date_is_that_of_the_environment(monkeypatch, given, expected) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", given)
    assert source_date() == expected


@pytest.mark.parametrize("given", ["yesterday", "-5", "1.5", "99999999999"])
def test_source_date_refuses_what_is_no_time(monkeypatch, given) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", given)
    with pytest.raises(FirmwareError, match="whole seconds since 1970"):
        source_date()


def test_zip_bytes_hold_the_files_in_their_order(monkeypatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    content = zip_bytes({"b": b"1", "a/c": b"2" * 1000})
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert archive.namelist() == ["b", "a/c"]
    assert archive.read("a/c") == b"2" * 1000
    assert {entry.date_time for entry in archive.infolist()} == {time.gmtime(1700000000)[:6]}
    assert content == zip_bytes({"b": b"1", "a/c": b"2" * 1000})


def test_write_tar_keeps_nothing_of_this_machine(tmp_path) -> None:
    outputs = []
    for name in ("one", "another-and-longer-name"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "file").write_bytes(b"content")
        (folder / "file").chmod(0o600 if name == "one" else 0o777)
        out = io.BytesIO()
        write_tar(out, [("blobs/x", folder / "file")])
        outputs.append(out.getvalue())
    assert outputs[0] == outputs[1]
    with tarfile.open(fileobj=io.BytesIO(outputs[0])) as archive:
        (entry,) = archive.getmembers()
    assert (entry.name, entry.mode, entry.uid, entry.gid, entry.uname, entry.mtime) == (
        "blobs/x", 0o644, 0, 0, "", EARLIEST
    )  # fmt: skip
