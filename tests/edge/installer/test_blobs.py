import hashlib
import io
import tarfile

import pytest
from release_rig import CONTENT, CURRENT, a_manifest, signed, write_release

from edge.errors import ReleaseError
from edge.installer.blobs import check_blobs, opened
from edge.installer.manifest import ReleaseFile
from firmware_config.archives import write_tar

MANIFEST = a_manifest()
NETWORK = hashlib.sha256(b"network").hexdigest()


@pytest.fixture
def folder(tmp_path):
    write_release(tmp_path / "release", MANIFEST)
    return tmp_path / "release"


def archived(folder, path, *, first="release.json"):
    names = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    names.sort(key=lambda name: name != first)
    with path.open("wb") as out:
        write_tar(out, [(name, folder / name) for name in names])
    return path


def test_opened_reads_a_folder(folder, tmp_path) -> None:
    source = opened(folder)
    assert source.envelope == signed(MANIFEST, CURRENT)
    assert source.checked(MANIFEST, tmp_path / "scratch") == folder / "blobs"
    assert not (tmp_path / "scratch").exists()


def test_opened_reads_an_archive(folder, tmp_path) -> None:
    source = opened(archived(folder, tmp_path / "release.tar"))
    assert source.envelope == signed(MANIFEST, CURRENT)
    blobs = source.checked(MANIFEST, tmp_path / "scratch")
    assert {path.read_bytes() for path in blobs.iterdir()} == {content for _, content in CONTENT.values()}


@pytest.mark.parametrize("kind", ["folder", "archive"])
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"netwerk", "its SHA-256 is"),
        (b"net", "it has 3 bytes, and not 7"),
        (b"network and more", "it has more bytes, and not 7"),
        (None, "missing|no such file"),
    ],
    ids=["flipped", "short", "long", "missing"],
)
def test_checked_refuses_damaged_files(folder, tmp_path, kind, content, reason) -> None:
    (folder / "blobs" / NETWORK).unlink()
    if content is not None:
        (folder / "blobs" / NETWORK).write_bytes(content)
    path = folder if kind == "folder" else archived(folder, tmp_path / "release.tar")
    with pytest.raises(ReleaseError, match=f"model.tflite of the release is damaged.*({reason})"):
        opened(path).checked(MANIFEST, tmp_path / "scratch")


def test_checked_reads_no_further_than_the_named_size(tmp_path) -> None:
    (tmp_path / NETWORK).write_bytes(b"network" + bytes(3 << 20))
    manifest = a_manifest(files=(ReleaseFile("model.tflite", "model", NETWORK, 7),))
    with pytest.raises(ReleaseError, match="more bytes"):
        check_blobs(tmp_path, manifest)


def test_checked_writes_nothing_that_the_manifest_does_not_name(folder, tmp_path) -> None:
    path = tmp_path / "release.tar"
    archived(folder, path)
    with tarfile.open(path, "a", format=tarfile.USTAR_FORMAT) as archive:
        for name in ("../../outside", "/outside", "blobs/../../outside", "blobs/x"):
            entry = tarfile.TarInfo(name)
            entry.size = 4
            archive.addfile(entry, io.BytesIO(b"evil"))
    blobs = opened(path).checked(MANIFEST, tmp_path / "a" / "b" / "scratch")
    assert len(list(blobs.iterdir())) == len(CONTENT)
    assert not list(tmp_path.rglob("outside"))


def test_checked_follows_no_link_of_an_archive(folder, tmp_path) -> None:
    (folder / "blobs" / NETWORK).unlink()
    path = archived(folder, tmp_path / "release.tar")
    with tarfile.open(path, "a", format=tarfile.USTAR_FORMAT) as archive:
        entry = tarfile.TarInfo(f"blobs/{NETWORK}")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(entry)
    with pytest.raises(ReleaseError, match=r"model\.tflite of the release is damaged"):
        opened(path).checked(MANIFEST, tmp_path / "scratch")


@pytest.mark.parametrize("content", [None, b"", b"no archive", bytes(10240)])
def test_opened_refuses_what_is_no_release(tmp_path, content) -> None:
    path = tmp_path / "release.tar"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ReleaseError, match="name a release's folder or archive"):
        opened(path)


def test_opened_refuses_archives_of_something_else(folder, tmp_path) -> None:
    with pytest.raises(ReleaseError, match=r"does not begin with release\.json"):
        opened(archived(folder, tmp_path / "release.tar", first="none"))
    with pytest.raises(ReleaseError, match="is no release"):
        opened(tmp_path)
