import os
import stat
import threading
from datetime import datetime, timedelta, timezone

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.capture.frame import triples
from edge.capture.mjpeg_writer import MotionJpegWriter
from edge.capture.source import open_source
from edge.errors import SourceError

SIZE = (96, 80)


def film(path, fourcc, *, count=12, size=SIZE, colour=True, backend=cv2.CAP_FFMPEG):
    writer = cv2.VideoWriter(str(path), backend, cv2.VideoWriter.fourcc(*fourcc), 25, size, colour)
    assert writer.isOpened()
    for number in range(count):
        shape = (size[1], size[0], 3) if colour else (size[1], size[0])
        writer.write(np.full(shape, 20 + 4 * number, np.uint8))
    writer.release()
    return path


def test_video_delivers_raw_motion_jpeg_in_order(make_clip, make_jpeg, numbers):
    jpegs = [make_jpeg(number) for number in range(10)]
    start = datetime(2026, 5, 4, 3, 2, 1, tzinfo=timezone.utc)
    with open_source(make_clip(jpegs, fps=20), start_utc=start, exposure_s=0.02, gain=4.0) as source:
        frames = list(source)
    assert [frame.jpeg for frame in frames] == jpegs
    assert numbers(frames) == list(range(10)) == [frame.sequence for frame in frames]
    assert frames[7].monotonic_s == pytest.approx(0.35)
    assert frames[7].utc == start + timedelta(seconds=0.35)
    assert (frames[0].exposure_s, frames[0].gain, frames[0].mode) == (0.02, 4.0, 0)
    assert frames[3].colour().shape == (80, 96, 3)
    assert (source.mode.width, source.mode.height, source.mode.fps, source.mode.codec) == (96, 80, 20, "Motion JPEG")
    assert source.report.delivered == 10
    assert source.report.damaged == 0
    assert source.report.warnings == ()
    assert all(frame.decode_ms > 0 for frame in frames)
    assert not source.live


def test_video_ends_when_its_file_was_last_written(make_clip, make_jpeg):
    path = make_clip([make_jpeg(number) for number in range(10)], fps=10)
    os.utime(path, (1_700_000_010, 1_700_000_010))
    with open_source(path) as source:
        first = next(iter(source))
    assert first.utc == datetime.fromtimestamp(1_700_000_009, timezone.utc)


@pytest.mark.parametrize("size", [(641, 479), (65, 97), (1920, 1080)])
def test_video_reads_odd_and_large_sizes(make_clip, make_jpeg, size):
    with open_source(make_clip([make_jpeg(number, size=size) for number in range(3)], size=size)) as source:
        assert [frame.size for frame in source] == [size] * 3


@pytest.mark.parametrize("backend", [cv2.CAP_OPENCV_MJPEG, cv2.CAP_FFMPEG])
def test_video_reads_motion_jpeg_of_opencv(tmp_path, numbers, backend):
    with open_source(film(tmp_path / "o.avi", "MJPG", backend=backend)) as source:
        frames = list(source)
    assert numbers(frames) == list(range(12))
    assert all(frame.jpeg is not None for frame in frames)
    assert source.report.damaged == 0


def test_video_reads_grey_motion_jpeg(make_clip):
    grey = cv2.imencode(".jpg", np.full((80, 96), 99, np.uint8))[1].tobytes()
    with open_source(make_clip([grey] * 3)) as source:
        frames = list(source.pictures())
    assert abs(int(frames[1].grey[5, 5]) - 99) <= 1
    assert frames[1].colour().shape == (80, 96, 3)


@pytest.mark.parametrize(("name", "fourcc"), [("x.mkv", "MJPG"), ("x.mov", "MJPG"), ("x.mp4", "MJPG")])
def test_video_keeps_motion_jpeg_of_other_containers(tmp_path, numbers, name, fourcc):
    with open_source(film(tmp_path / name, fourcc)) as source:
        frames = list(source)
    assert numbers(frames) == list(range(12))
    assert all(frame.jpeg[:2] == b"\xff\xd8" for frame in frames)
    assert source.report.warnings == ()


def test_video_warns_of_inter_frame_codecs(tmp_path, numbers):
    with open_source(film(tmp_path / "x.mp4", "mp4v")) as source:
        frames = list(source)
    assert len(frames) == 12
    assert numbers(frames)[11] - numbers(frames)[0] == pytest.approx(11, abs=1)
    assert frames[0].jpeg is None
    assert frames[0].colour().shape == (80, 96, 3)
    assert len(source.report.warnings) == 1
    assert "not for detection" in source.report.warnings[0]


def test_video_accepts_lossless_intra_frame_codecs(tmp_path, numbers):
    with open_source(film(tmp_path / "x.mkv", "FFV1", size=(96, 80))) as source:
        assert numbers(source) == list(range(12))
    assert source.report.warnings == ()


def test_video_reads_grey_recordings_of_other_codecs(tmp_path, numbers):
    with open_source(film(tmp_path / "x.mkv", "FFV1", colour=False)) as source:
        assert numbers(source) == list(range(12))


def test_video_leaves_a_gap_for_a_damaged_picture(make_clip, make_jpeg):
    jpegs = [make_jpeg(number) for number in range(9)]
    path = make_clip(jpegs)
    content = bytearray(path.read_bytes())
    at = content.index(jpegs[4])
    content[at + 1500 : at + 1502] = b"\xff\xd8"
    path.write_bytes(content)
    with open_source(path) as source:
        middles = [triple.current.sequence for triple in triples(source)]
    assert middles == [1, 2, 6, 7]
    assert source.report.damaged == 1
    assert source.report.delivered == 8
    assert source.report.damages[0].sequence == 4
    assert source.report.reasons == {"stray marker FFD8 within the JPEG": 1}


def test_video_leaves_a_gap_for_a_frame_left_out(tmp_path, make_jpeg, numbers):
    with MotionJpegWriter(tmp_path / "gaps.avi", 30, SIZE) as writer:
        for number in range(12):
            if number in {5, 6, 10}:
                # An empty chunk stands for a frame that did not come in time; FFmpeg's own recorder writes them too.
                writer._offsets.append((writer._end, 0))
                writer._append(b"00dc\0\0\0\0")
                writer.frames += 1
                writer._first_frames += 1
            else:
                writer.write(make_jpeg(number))
    with open_source(writer.path) as source:
        frames = list(source)
    assert [frame.sequence for frame in frames] == numbers(frames) == [0, 1, 2, 3, 4, 7, 8, 9, 11]
    assert frames[5].monotonic_s == pytest.approx(7 / 30)
    assert source.report.reasons == {"left out by the recorder": 3}
    assert source.report.warnings == ()


@pytest.mark.parametrize("field", [b"avih", b"strh"])
def test_video_survives_absurd_numbers_in_its_header(make_clip, make_jpeg, field):
    path = make_clip([make_jpeg(number) for number in range(6)])
    content = bytearray(path.read_bytes())
    at = content.index(field) + 8 + (16 if field == b"avih" else 32)
    content[at : at + 4] = b"\xff\xff\xff\x7f"
    path.write_bytes(content)
    with open_source(path) as source:
        assert len(list(source)) == 6


def test_video_counts_damages_and_names_the_first(make_clip, make_jpeg):
    good, bad = make_jpeg(1), b"\xff\xd8 nothing \xff\xd9"
    with open_source(make_clip([good] + [bad] * 60 + [good])) as source:
        assert [frame.sequence for frame in source.pictures()] == [0, 61]
    assert source.report.damaged == 60
    assert len(source.report.damages) == 20


def test_video_begins_a_new_mode_where_the_size_changes(make_clip, make_jpeg):
    jpegs = [make_jpeg(number, size=(96, 80) if number < 4 else (128, 96)) for number in range(8)]
    with open_source(make_clip(jpegs)) as source:
        frames = list(source)
    assert [frame.mode for frame in frames] == [0] * 4 + [1] * 4
    assert [triple.current.sequence for triple in triples(frames)] == [1, 2, 5, 6]
    assert (source.mode.width, source.mode.height) == (128, 96)
    assert source.report.warnings == (
        "the size changes from 96x80 to 128x96 at frame 4; no hit is looked for across the change",
    )


def test_video_refuses_small_pictures(make_clip, make_jpeg):
    with (
        open_source(make_clip([make_jpeg(1, size=(64, 48))] * 3, size=(64, 48))) as source,
        pytest.raises(SourceError, match="64x48 pixels; at least 64"),
    ):
        list(source)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"just some words\n" * 50, "no video is recognised in its 800 bytes"),
        (b"RIFF\x10\0\0\0AVI LIST", "no video is recognised"),
        (bytes(range(256)) * 40, "no video is recognised"),
    ],
)
def test_video_refuses_what_is_no_recording(tmp_path, capfd, content, words):
    path = tmp_path / "x.avi"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=words) as caught:
        open_source(path)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


def test_video_refuses_a_header_without_frames(make_clip, make_jpeg, capfd):
    path = make_clip([make_jpeg(1)] * 3)
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"00dc\x00") if b"00dc\x00" in content else content.index(b"movi") + 4])
    with pytest.raises(SourceError, match=r"holds no|no video"), open_source(path) as source:
        list(source)
    assert capfd.readouterr().err == ""


def test_video_refuses_missing_and_unreadable_files(tmp_path, make_clip, make_jpeg, monkeypatch):
    with pytest.raises(SourceError, match="no such file"):
        open_source(tmp_path / "nowhere.avi")
    path = make_clip([make_jpeg(1)])
    # root reads everything, so the check itself is made to say no
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(SourceError, match=r"cannot be read \(Permission denied\)"):
        open_source(path)


def test_video_refuses_a_pipe(tmp_path):
    path = tmp_path / "pipe.avi"
    os.mkfifo(path)
    assert stat.S_ISFIFO(path.stat().st_mode)
    with pytest.raises(SourceError, match="no regular file"):
        open_source(path)


def test_video_name_like_a_protocol_is_a_file(tmp_path, make_jpeg, make_clip, monkeypatch):
    make_clip([make_jpeg(number) for number in range(3)], name="rtsp:film.avi")
    monkeypatch.chdir(tmp_path)
    with open_source("rtsp:film.avi") as source:
        assert len(list(source)) == 3


def test_video_may_be_closed_from_another_thread(make_clip, make_jpeg):
    path = make_clip([make_jpeg(number) for number in range(8)] * 200)
    for pause_s in (0, 0.001, 0.01, 0.05):
        source = open_source(path)
        closing = threading.Timer(pause_s, source.close)
        closing.start()
        frames = list(source)
        closing.join()
        assert len(frames) <= 1600
        assert not source.report.warnings
        assert list(source) == []


@pytest.fixture(scope="module")
def short_clip(tmp_path_factory, make_jpeg):
    jpegs = [make_jpeg(number, size=(64, 64), quality=70) for number in range(8)]
    folder = tmp_path_factory.mktemp("cut")
    with MotionJpegWriter(folder / "whole.avi", 25, (64, 64), segment_bytes=9_000) as writer:
        for jpeg in jpegs:
            writer.write(jpeg)
    return folder, (folder / "whole.avi").read_bytes(), jpegs


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_video_cut_anywhere_yields_frames_or_an_error(short_clip, data):
    folder, content, jpegs = short_clip
    cut = data.draw(st.integers(0, len(content) - 1))
    path = folder / "cut.avi"
    path.write_bytes(content[:cut])
    ends = [content.index(jpeg) + len(jpeg) for jpeg in jpegs]
    # A picture of which only the end marker is missing is whole; FFmpeg leaves it out in later parts of a recording.
    whole_before_cut = sum(end - 2 <= cut for end in ends)
    try:
        with open_source(path) as source:
            frames = list(source)
    except SourceError:
        assert whole_before_cut <= 1  # FFmpeg wants to see a little of the stream before it opens it
        return
    assert [frame.jpeg for frame in frames] == jpegs[: len(frames)]
    assert sum(end <= cut for end in ends) <= len(frames) <= whole_before_cut
    if len(frames) < len(jpegs):
        # Cut between two pictures, nothing is broken: there are fewer than the header declares.
        told = any("cut off" in warning or "ends after" in warning for warning in source.report.warnings)
        assert source.report.damaged or told


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_video_changed_anywhere_yields_frames_or_an_error(short_clip, data):
    folder, content, _ = short_clip
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(1, 6))):
        changed[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = folder / "changed.avi"
    path.write_bytes(changed)
    try:
        with open_source(path) as source:
            frames = list(source)
    except SourceError:
        return
    sequences = [frame.sequence for frame in frames]
    assert sequences == sorted(set(sequences))
    assert source.report.delivered == len(frames)


def test_video_that_is_to_be_turned_is_read_as_it_was_taken(tmp_path):
    path = film(tmp_path / "phone.mp4", "mp4v")
    content = bytearray(path.read_bytes())
    matrix = content.index(b"tkhd") + 4 + 40
    turned = (0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)
    content[matrix : matrix + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in turned)
    path.write_bytes(content)
    with open_source(path) as source:
        assert {frame.size for frame in source} == {SIZE}
    assert any("shown turned by 90 degrees" in warning for warning in source.report.warnings)
