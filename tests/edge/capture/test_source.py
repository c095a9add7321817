from pathlib import Path

import pytest

from edge.capture.folder import FolderSource
from edge.capture.source import open_source
from edge.capture.video import VideoSource
from edge.errors import SourceError


def test_open_source_tells_recordings_from_folders(make_clip, make_jpeg, tmp_path):
    path = make_clip([make_jpeg(1)] * 2)
    with open_source(path) as recording, open_source(str(path)) as same:
        assert type(recording) is type(same) is VideoSource
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "1.jpg").write_bytes(make_jpeg(1))
    with open_source(tmp_path / "p") as folder:
        assert isinstance(folder, FolderSource)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("ftp://user:secret@host/film.avi", r"^ftp://host/film.avi: ftp:// is not understood; name a recording"),
        ("0", "for a camera name /dev/video0"),
        ("video2", "for a camera name /dev/video2"),
        ("csi:", "names no camera"),
        ("csi:0", "picamera2 cannot be imported"),
        ("/dev/video97", "no such device"),
        ("/dev/null", "does not open as a camera"),
        ("clip.avi", "no such file"),
    ],
)
def test_open_source_refuses_with_a_hint(spec, words, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match=words):
        open_source(spec)
    assert capfd.readouterr().err == ""


def test_open_source_refuses_a_single_picture(tmp_path, make_jpeg):
    (tmp_path / "one.jpg").write_bytes(make_jpeg(1))
    with pytest.raises(SourceError, match="name the folder"):
        open_source(tmp_path / "one.jpg")


@pytest.mark.parametrize(
    "options", [{"fps": 0}, {"fps": float("inf")}, {"fps": float("nan")}, {"exposure_s": -1}, {"gain": 0}]
)
def test_open_source_refuses_impossible_values(options):
    with pytest.raises(ValueError, match="expected a number above 0"):
        open_source(Path("clip.avi"), **options)


def test_open_source_names_a_picture_that_cannot_be_read(tmp_path, monkeypatch):
    path = tmp_path / "shot.png"
    path.write_bytes(b"")

    def denied(file):
        raise PermissionError(13, "Permission denied", str(file))

    monkeypatch.setattr("edge.capture.picture_file.content_of", denied)
    with pytest.raises(SourceError, match="single picture"):
        open_source(path)
