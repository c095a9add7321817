import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.capture.multipart import MultipartError
from edge.capture.multipart import parts as parts_of


class Trickle:
    """A connection that gives bytes in pieces of given sizes."""

    def __init__(self, content, sizes=(1 << 20,)):
        self._stream = io.BytesIO(content)
        self._sizes = list(sizes)
        self._at = 0

    def read1(self, size, /):
        piece = self._sizes[self._at % len(self._sizes)]
        self._at += 1
        return self._stream.read(min(piece, size))


def parts(stream, boundary=None):
    return [part.body for part in parts_of(stream, boundary)]


def wrap(bodies, mark=b"--edge", *, length=True, end=b"\r\n"):
    content = b""
    for body in bodies:
        content += mark + end + b"Content-Type: image/jpeg" + end
        content += b"content-LENGTH: %d" % len(body) + end if length else b""
        content += end + body + end
    return content


bodies_strategy = st.lists(
    st.binary(max_size=200).map(lambda body: b"\xff\xd8" + body.replace(b"-", b".") + b"\xff\xd9"), max_size=6
)


@given(bodies_strategy, st.booleans(), st.sampled_from([b"\r\n", b"\n"]), st.lists(st.integers(1, 70), min_size=1))
def test_parts_come_out_whole_however_the_bytes_arrive(bodies, length, end, sizes):
    content = wrap(bodies, length=length, end=end) + b"--edge--" + end
    assert parts(Trickle(content, sizes), "edge") == bodies


@given(bodies_strategy, st.integers(0, 2000), st.booleans())
def test_parts_before_a_break_are_kept(bodies, cut, length):
    content = wrap(bodies, length=length)[:cut]
    taken = parts(Trickle(content), "edge")
    assert taken == bodies[: len(taken)]


@pytest.mark.parametrize(
    ("declared", "sent"),
    [("edge", b"--edge"), ("--edge", b"--edge"), ('"edge"', b"--edge"), ("--edge", b"----edge"), ("edge", b"--edge ")],
)
def test_parts_understand_both_notations_of_the_boundary(declared, sent):
    bodies = [b"\xff\xd8one\xff\xd9", b"\xff\xd8two\xff\xd9"]
    assert parts(Trickle(wrap(bodies, sent)), declared) == bodies
    assert parts(Trickle(wrap(bodies, sent, length=False) + sent), declared) == bodies


def test_parts_of_known_length_may_hold_a_boundary():
    body = b"\xff\xd8\r\n--edge\r\n\xff\xd9"
    assert parts(Trickle(wrap([body, body])), "edge") == [body, body]


@pytest.mark.parametrize(
    "content",
    [
        b"no boundary here " * 10_000,
        b"--edge\r\nContent-Length: 99999999999\r\n\r\n",
        b"--edge\r\n" + b"X-Long: y\r\n" * 20_000,
    ],
)
def test_parts_refuse_what_never_ends(content):
    with pytest.raises(MultipartError):
        parts(Trickle(content), "edge")


PICTURES = [b"\xff\xd8one\n\xff\xd9", b"\xff\xd8 two: \r\n\r\n\xff\xd9", b"\xff\xd8three\xff\xd9"]


def stream_of(before, after=b"\r\n", first=None):
    """Join the pictures, each between what comes before and after it; `first` comes before the first."""
    pieces = [(before if first is None or number else first) + body for number, body in enumerate(PICTURES)]
    return after.join(pieces) + after


@pytest.mark.parametrize(
    "content",
    [
        stream_of(b"--cut\r\nContent-Type: image/jpeg\r\n\r\n", first=b"Content-Type: image/jpeg\r\n\r\n"),
        stream_of(b"--cut\r\n\r\n", first=b""),
        stream_of(b"--cut\r\nContent-Type: image/jpeg\r\n\r\n\r\n\r\n"),
        stream_of(b"\r\n\r\n--cut\r\nContent-Type: image/jpeg\r\n"),
        stream_of(b"--cut\r\nTue, 12 Jun 2012 01:56:34 GMT\r\n: x\r\n\r\n"),
        stream_of(b"--cut\r\nContent-Type: image/jpeg\r\n\r\n", after=b""),
        stream_of(b"--cut\r\nContent-Type: image/jpeg\r\n\r\n", after=b"\0\0\0\r\n"),
        stream_of(b"--cut\r\nContent-Length: 0\r\n\r\n"),
        stream_of(b"--cut\r\nContent-Length: 5\r\n\r\n"),
        stream_of(b"--cut\r\nContent-Length: 40\r\n\r\n"),
        stream_of(b"--cut\r\nContent-Length: many\r\nContent-Type\r\n\r\n"),
        stream_of(b"--cut\r\n\r\n", after=b"\r\n--cut--\r\n"),
        stream_of(b"--other\r\nContent-Type: image/jpeg\r\n\r\n"),
        stream_of(b"cut\r\n\r\n"),
        stream_of(b"", after=b""),
        stream_of(b"", after=b"\r\n"),
        stream_of(b"--cut\r\nContent-Type: text/plain\r\n\r\ntemperature: 40\r\n--cut\r\n\r\n"),
        stream_of(b"--cut\r\nContent-Type: audio/basic\r\nContent-Length: 4\r\n\r\n\1\2\3\4\r\n--cut\r\n\r\n"),
        b"This is a message: in several parts\r\n\r\n" + stream_of(b"--cut\r\n\r\n"),
    ],
    ids=[
        *("no_first", "no_first_head", "empty_lines", "no_empty_line", "odd_lines", "glued", "padded", "length_zero"),
        *("length_short", "length_long", "length_word", "closed_each", "other", "no_dashes", "bare_glued", "bare"),
        *("text", "sound", "preamble"),
    ],
)
@pytest.mark.parametrize("declared", ["cut", None])
def test_parts_of_lenient_streams_are_found(content, declared):
    for sizes in ([1 << 20], [1], [7, 3]):
        end = b"--other--\r\n" if content.startswith(b"--other") else b"--cut--\r\n"
        found = parts(Trickle(content + end, sizes), declared)
        if declared is None and content.startswith(b"cut"):
            assert found[0].startswith(PICTURES[0])
        else:
            assert [body.rstrip(b"\0\r\n") for body in found] == PICTURES


def test_parts_do_not_wait_for_what_follows_a_whole_picture():
    class Silent(Trickle):
        def read1(self, size, /):
            arrived = super().read1(size)
            assert arrived, "asked for more than the picture"
            return arrived

    content = b"--cut\r\nContent-Length: %d\r\n\r\n%s" % (len(PICTURES[0]), PICTURES[0])
    assert next(parts_of(Silent(content), "cut")).body == PICTURES[0]


def test_parts_without_end_markers_wait_for_three_only():
    bodies = [b"\xff\xd8no end %d" % number for number in range(6)]
    assert parts(Trickle(wrap(bodies)), "edge") == bodies


@pytest.mark.parametrize(
    ("line", "stamp"),
    [(b"X-Timestamp: 17.250000", 17.25), (b"x-timestamp:1700000000123", 1700000000123.0), (b"Timestamp: now", None)],
)
def test_parts_carry_the_time_stamps_of_the_camera(line, stamp):
    content = b"--cut\r\n" + line + b"\r\n\r\n" + PICTURES[0] + b"\r\n--cut"
    assert next(parts_of(Trickle(content), "cut")).stamp == stamp


@given(st.binary(max_size=400), st.lists(st.integers(1, 90), min_size=1), st.sampled_from([None, "cut", "--cut"]))
def test_parts_of_any_bytes_end(content, sizes, declared):
    found = parts(Trickle(b"--cut\r\n" + content, sizes), declared)
    assert sum(map(len, found)) <= len(content) + 7
