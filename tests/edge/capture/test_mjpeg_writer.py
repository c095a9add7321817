import os
import resource
import signal
import struct
import subprocess
import sys

import cv2
import pytest

from edge.capture.mjpeg_writer import MotionJpegWriter
from edge.capture.source import open_source
from edge.errors import RecordingError


@pytest.fixture(scope="module")
def jpegs(make_jpeg):
    return [make_jpeg(number) for number in range(40)]


def read_back(path):
    with open_source(path) as source:
        return [frame.jpeg for frame in source.pictures()], source.report


def top_level_chunks(content):
    at, found = 0, []
    while at < len(content):
        name, size, kind = struct.unpack_from("<4sI4s", content, at)
        found.append((name, kind))
        at += 8 + size
    return found, at


@pytest.mark.parametrize("segment_bytes", [1 << 30, 30_000, 12_000])
def test_writer_keeps_pictures_byte_for_byte(make_clip, jpegs, segment_bytes):
    path = make_clip(jpegs, segment_bytes=segment_bytes)
    pictures, report = read_back(path)
    assert pictures == jpegs
    assert report.warnings == ()
    content = path.read_bytes()
    segments, end = top_level_chunks(content)
    assert end == len(content)
    assert segments[0] == (b"RIFF", b"AVI ")
    assert set(segments[1:]) <= {(b"RIFF", b"AVIX")}
    assert (len(segments) > 1) == (segment_bytes < 1 << 30)


def test_writer_index_lets_opencv_seek(make_clip, jpegs):
    capture = cv2.VideoCapture(str(make_clip(jpegs, segment_bytes=15_000)), cv2.CAP_FFMPEG)
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == len(jpegs)
    assert capture.set(cv2.CAP_PROP_POS_FRAMES, 31)
    taken, picture = capture.read()
    capture.release()
    assert taken
    assert abs(picture.mean() - (20 + 4 * 31)) < 1.5


def test_writer_output_is_read_by_opencv_itself(make_clip, jpegs):
    capture = cv2.VideoCapture(str(make_clip(jpegs)), cv2.CAP_OPENCV_MJPEG)
    count = 0
    while capture.read()[0]:
        count += 1
    capture.release()
    assert count == len(jpegs)


def test_writer_makes_equal_files_of_equal_pictures(make_clip, jpegs):
    first, second = (make_clip(jpegs, name=name).read_bytes() for name in ("a.avi", "b.avi"))
    assert first == second


@pytest.mark.parametrize(("fps", "expected"), [(25, 25), (29.97, 29.97), (12.5, 12.5), (0.5, 0.5)])
def test_writer_keeps_the_rate(make_clip, jpegs, fps, expected):
    with open_source(make_clip(jpegs[:3], fps=fps)) as source:
        assert source.mode.fps == pytest.approx(expected)


def test_writer_leaves_a_whole_file_when_it_is_not_closed(tmp_path, jpegs):
    writer = MotionJpegWriter(tmp_path / "open.avi", 25, (96, 80), segment_bytes=20_000)
    for jpeg in jpegs:
        writer.write(jpeg)
    pictures, report = read_back(writer.path)
    writer.close()
    assert pictures == jpegs
    assert report.warnings == ()
    assert read_back(writer.path)[0] == jpegs


def test_writer_leaves_its_frames_when_it_is_killed(tmp_path, jpegs):
    (tmp_path / "one.jpg").write_bytes(jpegs[0])
    program = (
        "import sys; from pathlib import Path; from edge.capture.mjpeg_writer import MotionJpegWriter\n"
        "w = MotionJpegWriter(sys.argv[1], 25, (96, 80)); j = Path(sys.argv[2]).read_bytes()\n"
        "while True: w.write(j); print(w.frames, flush=True)"
    )
    path = tmp_path / "killed.avi"
    running = subprocess.Popen(
        [sys.executable, "-c", program, path, tmp_path / "one.jpg"], stdout=subprocess.PIPE, text=True
    )
    with running:
        written = 0
        while written < 200:
            written = int(running.stdout.readline())
        running.send_signal(signal.SIGKILL)
        written = int((running.stdout.read().split() or [written])[-1])
    pictures, _ = read_back(path)
    assert len(pictures) >= written
    assert set(pictures) == {jpegs[0]}


def test_writer_keeps_its_frames_on_a_full_disk(tmp_path, jpegs):
    # A limit on file size stands in for the disk: the kernel answers EFBIG where a disk answers ENOSPC.
    if not os.path.exists("/dev/full"):  # noqa: PTH110
        pytest.skip("needs Linux")
    path = tmp_path / "limited.avi"
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    written = 0
    writer = MotionJpegWriter(path, 25, (96, 80))
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, old[1]))
        with pytest.raises(RecordingError, match=r"limited\.avi: cannot be written"):  # noqa: PT012
            for jpeg in jpegs:
                writer.write(jpeg)
                written += 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, handler)
    assert 3 < written < len(jpegs)
    assert read_back(path)[0] == jpegs[:written]
    writer.close()
    assert read_back(path)[0] == jpegs[:written]


def test_writer_says_that_no_space_is_left(tmp_path, jpegs, monkeypatch):
    writer = MotionJpegWriter(tmp_path / "full.avi", 25, (96, 80))
    writer.write(jpegs[0])
    writer.write(jpegs[1])
    real = os.pwrite

    def short_then_full(fd, content, at):
        if len(content) > 600:
            return real(fd, bytes(content)[:500], at)
        if at > 5000:
            raise OSError(28, "No space left on device")
        return real(fd, content, at)

    monkeypatch.setattr(os, "pwrite", short_then_full)
    with pytest.raises(RecordingError, match="disk is full after 2 frames"):
        writer.write(jpegs[2] + b"")
    monkeypatch.undo()
    writer.close()
    assert read_back(writer.path)[0] == jpegs[:2]


@pytest.mark.parametrize("where", ["missing/clip.avi", "."])
def test_writer_names_a_place_that_cannot_be_written(tmp_path, where):
    with pytest.raises(RecordingError, match="cannot be written"):
        MotionJpegWriter(tmp_path / where, 25, (96, 80))


@pytest.mark.parametrize(("fps", "size"), [(0, (96, 80)), (-1, (96, 80)), (25, (0, 80)), (25, (70000, 80))])
def test_writer_refuses_impossible_rates_and_sizes(tmp_path, fps, size):
    with pytest.raises(ValueError, match=r"cannot be written|does not fit"):
        MotionJpegWriter(tmp_path / "clip.avi", fps, size)


def test_writer_takes_whole_jpegs_only_while_it_is_open(tmp_path, jpegs):
    with MotionJpegWriter(tmp_path / "clip.avi", 25, (96, 80)) as writer:
        with pytest.raises(ValueError, match="FFD8"):
            writer.write(jpegs[0][:-2])
        writer.write(jpegs[0])
    writer.close()
    with pytest.raises(ValueError, match="closed"):
        writer.write(jpegs[0])
    assert read_back(writer.path)[0] == jpegs[:1]


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_writer_makes_readable_recordings_past_4_gb(tmp_path, make_jpeg):
    jpeg = make_jpeg(5, size=(1920, 1080), quality=100)
    frames = (4 << 30) // len(jpeg) + 200
    path = tmp_path / "long.avi"
    with MotionJpegWriter(path, 25, (1920, 1080)) as writer:
        for _ in range(frames):
            writer.write(jpeg)
    assert path.stat().st_size > 4 << 30
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    capture.set(cv2.CAP_PROP_FORMAT, -1)
    count = 0
    while capture.grab():
        count += 1
    capture.release()
    path.unlink()
    assert count == frames
