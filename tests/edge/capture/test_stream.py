"""Streams against a real HTTP server in a thread, and an RTSP server written for these tests."""

import base64
import contextlib
import hashlib
import itertools
import threading
import time

import pytest

from edge.capture.frame import triples
from edge.capture.source import open_source
from edge.capture.stream import HttpSource
from edge.errors import SourceError
from edge.redaction import without_login

pytestmark = pytest.mark.timeout(120)
LONG_S = 60.0  # longer than any test takes


def take(source, count):
    frames = []
    for frame in source:
        frames.append(frame)
        if len(frames) == count:
            return frames
    return frames


@pytest.mark.parametrize("with_length", [True, False])
def test_stream_delivers_pictures_byte_for_byte(camera, make_jpeg, numbers, with_length):
    camera.jpegs = [make_jpeg(number) for number in range(8)]
    camera.with_length, camera.silent_s, camera.pause_s = with_length, LONG_S, 0.01
    with open_source(camera.address, exposure_s=0.03) as source:
        # The last one without length is complete only when the next boundary comes.
        frames = take(source, 6)
        camera.over.set()
    assert source.live
    assert numbers(frames) == list(range(numbers(frames)[0], numbers(frames)[0] + 6))
    assert all(frame.jpeg == make_jpeg(number) for frame, number in zip(frames, numbers(frames), strict=True))
    assert [b.sequence - a.sequence for a, b in itertools.pairwise(frames)] == [1] * 5
    assert frames[0].exposure_s == 0.03
    assert frames[5].monotonic_s > frames[0].monotonic_s
    assert (source.mode.width, source.mode.height, source.mode.codec) == (96, 80, "Motion JPEG")


def test_stream_reconnects_after_a_loss_with_a_gap(camera, make_jpeg):
    camera.jpegs = lambda visit: [make_jpeg(10 * visit + number) for number in range(5)]
    camera.pause_s = 0.005
    with HttpSource(camera.address, first_pause_s=0.02) as source:
        frames = take(source, 9)
    sequences = [frame.sequence for frame in frames]
    jumps = [b - a for a, b in itertools.pairwise(sequences)]
    assert sorted(set(jumps)) == [1, 2]
    assert source.report.reconnects >= 1
    assert source.report.losses["the server ended the stream"] >= 1
    assert all(triple.following.sequence - triple.previous.sequence == 2 for triple in triples(frames))


def test_stream_is_lost_after_the_timeout(camera, make_jpeg):
    camera.jpegs, camera.silent_s = [make_jpeg(number) for number in range(4)], LONG_S
    with HttpSource(camera.address, timeout_s=1, first_pause_s=0.02) as source:
        took = take(source, 6)
        camera.over.set()
    assert len(took) == 6
    assert sum(source.report.losses.values()) >= 1


def test_stream_is_told_lost_until_it_is_back(camera, make_jpeg):
    def jpegs(visit):
        camera.silent_s = 0 if visit == 1 else LONG_S
        if visit == 1:
            camera.open.clear()
        return [make_jpeg(10 * visit + number) for number in range(4)]

    camera.jpegs = jpegs
    with HttpSource(camera.address, first_pause_s=0.01) as source:
        while not source.faults:
            time.sleep(0.01)
        lost = source.faults[0]
        assert (lost.name, lost.detail) == ("lost", "the server ended the stream")
        assert "check cable and power" in lost.remedy
        camera.open.set()
        while source.faults:
            time.sleep(0.01)
        assert [change.begins for change in source.take_changes()] == [True, False]
        assert source.report.warnings == ()
        assert source.report.reconnects == 1
        assert source.report.losses == {"the server ended the stream": 1}
        camera.over.set()


def test_stream_waits_for_a_server_that_is_away(camera, make_jpeg):
    def jpegs(visit):
        camera.status = 503 if visit in {1, 2} else 200
        return [make_jpeg(10 * visit + number) for number in range(3)]

    camera.jpegs = jpegs
    with HttpSource(camera.address, first_pause_s=0.01) as source:
        frames = take(source, 5)
    assert len(frames) == 5
    assert camera.visits >= 4


def test_stream_leaves_gaps_for_damaged_pictures(camera, make_jpeg):
    good = [make_jpeg(number) for number in range(5)]
    camera.jpegs = [*good[:2], good[1][:700], good[2], b"garbage", *good[3:]]
    camera.silent_s = LONG_S
    with open_source(camera.address) as source:
        frames = take(source, 5)
        camera.over.set()
    assert [frame.sequence - frames[0].sequence for frame in frames] == [0, 1, 3, 5, 6]
    assert source.report.damaged == 2


def test_stream_gives_runs_to_a_slow_reader(camera, make_jpeg):
    camera.jpegs, camera.silent_s, camera.pause_s = [make_jpeg(number) for number in range(60)], LONG_S, 0.002
    frames = []
    with open_source(camera.address) as source:
        for frame in source:
            frames.append(frame)
            while source.report.dropped == 0:
                time.sleep(0.01)
            if frame.sequence >= 59:
                break
        camera.over.set()
    report = source.report
    assert report.dropped > 0
    assert len(frames) + report.dropped == frames[-1].sequence + 1


def basic(given):
    return given == "Basic " + base64.b64encode(b"user:s3cr3t!").decode()


def digest(given):
    fields = dict(part.strip().split("=", 1) for part in given.removeprefix("Digest ").split(",") if "=" in part)
    fields = {name: value.strip('"') for name, value in fields.items()}
    if "response" not in fields:
        return False

    def md5(text):
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    first, second = md5("user:cam:s3cr3t!"), md5("GET:/video.mjpg")
    middle = (
        f":{fields['nonce']}:{fields['nc']}:{fields['cnonce']}:auth:" if "qop" in fields else f":{fields['nonce']}:"
    )
    return fields["response"] == md5(first + middle + second)


@pytest.mark.parametrize(
    ("login", "challenge"),
    [(basic, 'Basic realm="cam"'), (digest, 'Digest realm="cam", nonce="abc", qop="auth", algorithm=MD5')],
)
def test_stream_login_works_and_never_shows(camera, make_jpeg, login, challenge):
    camera.jpegs = [make_jpeg(number) for number in range(3)]
    camera.login, camera.challenge, camera.silent_s = login, challenge, LONG_S
    address = camera.address.replace("//", "//user:s3cr3t%21@")
    with open_source(address) as source:
        assert len(take(source, 2)) == 2
        camera.over.set()
    assert "s3cr3t" not in source.spec + repr(source.report)
    with pytest.raises(SourceError, match=r"answers 401 .*user:password@") as caught:
        open_source(camera.address.replace("//", "//user:wrong@") + "?token=hidden")
    assert "wrong" not in str(caught.value)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "content_type", "words"),
    [
        (404, "text/html", r"answers 404 \(Not Found\); check the path"),
        (200, "text/html; charset=utf-8", "sends text/html, which is no Motion JPEG"),
        (200, "image/jpeg", "sends image/jpeg"),
        (200, "multipart/x-mixed-replace", "delivers no picture"),
        (200, "video/mp4", "sends video/mp4, which is no Motion JPEG stream"),
        (200, "multipart/x-mixed-replace; boundary=edge", "delivers no picture"),
    ],
)
def test_stream_refuses_what_is_no_stream(camera, status, content_type, words):
    camera.status, camera.content_type = status, content_type
    with pytest.raises(SourceError, match=words) as caught:
        open_source(camera.address)
    assert "\n" not in str(caught.value)


def test_stream_refuses_nothing_but_damage(camera):
    camera.jpegs = [b"nothing"] * 40
    with pytest.raises(SourceError, match="none of its first 25 pictures"):
        open_source(camera.address)


def test_stream_close_ends_iteration_and_thread(camera, make_jpeg):
    camera.jpegs, camera.silent_s = [make_jpeg(number) for number in range(3)], LONG_S
    source = open_source(camera.address)
    assert len(take(source, 3)) == 3
    closing = threading.Timer(0.1, source.close)
    closing.start()
    assert list(source) == []
    camera.over.set()
    closing.join()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("capture ") and thread.is_alive()]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://a:b@host:8080/x.mjpg?user=a&pwd=b#f", "http://host:8080/x.mjpg?…"),
        ("rtsp://a:p@ss@host/1", "rtsp://host/1"),
        ("https://[::1]:4/x", "https://[::1]:4/x"),
        ("rtsp://user@host", "rtsp://host"),
    ],
)
def test_without_login_hides_user_password_and_query(url, shown):
    assert without_login(url) == shown


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_stream_without_answer_does_not_show_the_password(scheme, capfd, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(SourceError, match=rf"^{scheme}://127.0.0.1:9/x") as caught:
        open_source(f"{scheme}://user:s3cr3t@127.0.0.1:9/x")
    assert "s3cr3t" not in str(caught.value)
    assert "s3cr3t" not in "".join(map(str, (caught.value.__cause__, caught.value.__context__)))
    with contextlib.suppress(AttributeError):
        assert capfd.readouterr().err == ""
