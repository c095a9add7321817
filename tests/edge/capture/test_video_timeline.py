"""What the container says of a recording's frames: times, gaps, rates, streams and depth."""

import cv2
import numpy as np
import pytest
from avi_file import avi

from edge.capture.frame import triples
from edge.capture.source import open_source
from edge.errors import SourceError

SIZE = (96, 80)


@pytest.fixture
def stamped_clip(tmp_path, make_jpeg):
    """Write pictures with times of their own, in milliseconds, into a Matroska file of Motion JPEG."""
    if not hasattr(cv2, "VIDEOWRITER_PROP_PTS"):
        pytest.skip("this OpenCV writes no time stamps")

    def write(stamps_ms):
        path = tmp_path / "stamped.mkv"
        options = [cv2.VIDEOWRITER_PROP_RAW_VIDEO, 1]
        fourcc = cv2.VideoWriter.fourcc(*"MJPG")
        writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, fourcc, 1000, SIZE, options)
        for number, stamp_ms in enumerate(stamps_ms):
            writer.set(cv2.VIDEOWRITER_PROP_PTS, int(stamp_ms))
            writer.write(np.frombuffer(make_jpeg(number), np.uint8))
        writer.release()
        return path

    return write


def test_video_of_a_variable_rate_keeps_its_times(stamped_clip):
    stamps_ms = np.cumsum([40] * 60 + [160] * 60)
    with open_source(stamped_clip(stamps_ms)) as source:
        frames = list(source)
    assert [frame.monotonic_s for frame in frames[2:]] == pytest.approx((stamps_ms[2:] - 40) / 1e3, abs=2e-3)
    assert [frame.period_s for frame in frames[10:60]] == pytest.approx(np.full(50, 0.04))
    assert [frame.period_s for frame in frames[80:]] == pytest.approx(np.full(40, 0.16))
    assert source.report.warnings == ()


def test_video_that_lacks_frames_keeps_its_period(stamped_clip):
    stamps_ms = np.delete(np.arange(200) * 40, np.arange(30, 190, 8))
    with open_source(stamped_clip(stamps_ms)) as source:
        periods = [frame.period_s for frame in source]
    assert periods[10:] == pytest.approx(np.full(len(periods) - 10, 0.04))


@pytest.mark.parametrize("fps", [25, 29.97])
def test_video_of_a_constant_rate_has_its_declared_period(make_clip, make_jpeg, fps):
    with open_source(make_clip([make_jpeg(number) for number in range(5)], fps=fps)) as source:
        frames = list(source)
    assert [frame.period_s for frame in frames] == pytest.approx([1 / source.mode.fps] * 5)


def test_video_that_lacks_frames_has_a_gap(stamped_clip):
    kept = [number for number in range(60) if number not in range(20, 30)]
    with open_source(stamped_clip([number * 40 for number in kept])) as source:
        frames = list(source)
    assert [frame.sequence for frame in frames] == kept
    assert [triple.current.sequence for triple in triples(frames)][17:20] == [18, 31, 32]
    assert source.report.reasons == {"left out by the recorder": 10}


@pytest.fixture
def avi_clip(tmp_path):
    def write(*args, **options):
        path = tmp_path / "clip.avi"
        path.write_bytes(avi(*args, **options))
        return path

    return write


@pytest.mark.parametrize("empty", [(1,), (1, 2), (0, 0, 0, 0, 1)], ids=["half", "third", "25_of_30"])
def test_video_with_regular_empty_chunks_is_whole(avi_clip, make_jpeg, numbers, empty):
    packets = []
    for number in range(24):
        packets += [make_jpeg(number)] + [b""] * (len(empty) if len(empty) < 3 else empty[number % 5])
    with open_source(avi_clip(packets, 60)) as source:
        frames = list(source)
    assert [frame.sequence for frame in frames] == numbers(frames) == list(range(24))
    assert frames[-1].monotonic_s == pytest.approx(max(n for n, packet in enumerate(packets) if packet) / 60)
    assert source.report.damaged == 0
    assert source.report.warnings == ()


def test_video_with_empty_chunks_at_its_end_says_so(avi_clip, make_jpeg):
    with open_source(avi_clip([make_jpeg(number) for number in range(10)] + [b""] * 5, 25)) as source:
        assert len(list(source)) == 10
    assert source.report.warnings == ("the recording declares 15 frames and ends after 10: its last places are empty",)


def test_video_of_several_streams_says_so(avi_clip, make_jpeg):
    with open_source(avi_clip([make_jpeg(number) for number in range(10)], 25, streams=2)) as source:
        assert len(list(source)) == 10
    assert "holds 2 streams of pictures, of which only the first is read" in source.report.warnings[0]


def test_video_without_times_says_what_is_assumed(tmp_path, make_jpeg):
    path = tmp_path / "bare.mjpeg"
    path.write_bytes(b"".join(make_jpeg(number) for number in range(10)))
    with open_source(path) as source:
        assert [frame.monotonic_s for frame in source][:2] == [0.0, 0.04]
    assert source.report.warnings == ("the recording has no times; 25 frames a second are assumed",)
    with open_source(path, fps=10) as source:
        assert [frame.monotonic_s for frame in source][:2] == [0.0, 0.1]
    assert source.report.warnings == ()


def test_video_that_pauses_says_so(stamped_clip):
    with open_source(stamped_clip([*range(0, 800, 40), *range(60_000, 60_800, 40)])) as source:
        frames = list(source)
    assert frames[20].sequence == 1500
    assert source.report.warnings == ("the recording pauses for 59 s before frame 1500",)
    assert source.report.damaged == 0


def test_video_of_more_than_eight_bits_says_so(tmp_path):
    path = tmp_path / "deep.mkv"
    options = [cv2.VIDEOWRITER_PROP_DEPTH, cv2.CV_16U, cv2.VIDEOWRITER_PROP_IS_COLOR, 0]
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"FFV1"), 25, SIZE, options)
    if not writer.isOpened():
        pytest.skip("this OpenCV writes no 16 bits")
    for number in range(4):
        writer.write(np.full((SIZE[1], SIZE[0]), 5000 * number, np.uint16))
    writer.release()
    with open_source(path) as source:
        assert len(list(source.pictures())) == 4
    assert "its pictures have 16 bits, of which the upper 8 are read" in source.report.warnings[0]


@pytest.mark.parametrize(
    ("packet", "words"),
    [
        (b"\x89PNG no JPEG at all", "does not begin as a JPEG.; its pictures are no JPEG"),
        (b"\xff\xd8\xff\xc3\0\x11\x08\0\x50\0\x60\x03" + bytes(20), "lossless JPEG.*convert it to lossy JPEG"),
        (b"\xff\xd8 nothing", "broken header.; record it again"),
    ],
)
def test_video_of_nothing_but_damage_names_its_cause(avi_clip, packet, words):
    with open_source(avi_clip([packet] * 5, 25)) as source, pytest.raises(SourceError, match=words):
        list(source)
