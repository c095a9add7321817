import pytest
from avi_file import avi
from hypothesis import given
from hypothesis import strategies as st

from edge.capture.container import Container, container_of


def box(name, content=b"", length=None):
    return (8 + len(content) if length is None else length).to_bytes(4, "big") + name + content


def element(name, content=b"", *, length=None):
    size = len(content) if length is None else length
    return bytes.fromhex(name) + (size | 1 << 56).to_bytes(8, "big") + content


def track(kind):
    return box(b"trak", box(b"mdia", box(b"mdhd") + box(b"hdlr", bytes(8) + kind + bytes(12))))


def entry(kind):
    return element("AE", element("D7", b"\1") + element("83", bytes([kind])))


MOVIE = box(b"moov", box(b"mvhd") + track(b"vide") + track(b"soun") + track(b"vide"))
TRACKS = element("1654AE6B", entry(1) + entry(2) + entry(1) + entry(1))
EBML = element("1A45DFA3", b"\x42\x82\x84webm")
CLUSTER = element("1F43B675", bytes(50))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (avi([b"\xff\xd8"] * 3, 30), Container("avi", 1, is_cut=False)),
        (avi([b"\xff\xd8"] * 3, 30, streams=2, padding=b"junk"), Container("avi", 2, is_cut=False)),
        (avi([b"\xff\xd8"] * 3, 30)[:-4], Container("avi", 1, is_cut=True)),
        (b"RIFF\0\0\0\0" + avi([b"\xff\xd8"] * 3, 30)[8:], Container("avi", 0, is_cut=None)),
        (box(b"ftyp", b"isom") + MOVIE + box(b"mdat", bytes(9)), Container("mp4", 2, is_cut=False)),
        (box(b"ftyp", b"qt  ") + MOVIE + box(b"mdat", bytes(9), 900), Container("mp4", 2, is_cut=True)),
        (
            box(b"mdat", b"\0" * 8 + bytes(9), 1)[:8] + (25).to_bytes(8, "big") + bytes(9) + MOVIE,
            Container("mp4", 2, is_cut=False),
        ),
        (EBML + element("18538067", TRACKS + CLUSTER), Container("matroska", 3, is_cut=False)),
        (EBML + element("18538067", TRACKS + CLUSTER)[:-1], Container("matroska", 3, is_cut=True)),
        (EBML + bytes.fromhex("1853806701FFFFFFFFFFFFFF") + TRACKS + CLUSTER, Container("matroska", 3, is_cut=None)),
        (b"\xff\xd8\xff\xe0", Container("jpeg")),
        (b"--ffmpeg\r\n", Container("jpeg")),
        (b"just words", Container("other")),
        (b"", Container("other")),
    ],
    ids=lambda value: value.kind if isinstance(value, Container) else "",
)
def test_container_counts_streams_and_knows_its_end(tmp_path, content, expected):
    path = tmp_path / "recording"
    path.write_bytes(content)
    assert container_of(path) == expected


@given(
    st.sampled_from([b"RIFF\x30\0\0\0AVI LIST\x20\0\0\0hdrl", b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67", box(b"moov")]),
    st.binary(max_size=120),
)
def test_container_of_any_bytes_is_some(tmp_path_factory, head, content):
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(head + content)
    assert container_of(path).video_streams <= len(content)
