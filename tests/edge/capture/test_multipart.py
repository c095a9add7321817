import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.capture.multipart import MultipartError, parts


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
    assert list(parts(Trickle(content, sizes), "edge")) == bodies


@given(bodies_strategy, st.integers(0, 2000), st.booleans())
def test_parts_before_a_break_are_kept(bodies, cut, length):
    content = wrap(bodies, length=length)[:cut]
    taken = list(parts(Trickle(content), "edge"))
    assert taken == bodies[: len(taken)]


@pytest.mark.parametrize(
    ("declared", "sent"),
    [("edge", b"--edge"), ("--edge", b"--edge"), ('"edge"', b"--edge"), ("--edge", b"----edge"), ("edge", b"--edge ")],
)
def test_parts_understand_both_notations_of_the_boundary(declared, sent):
    bodies = [b"\xff\xd8one\xff\xd9", b"\xff\xd8two\xff\xd9"]
    assert list(parts(Trickle(wrap(bodies, sent)), declared)) == bodies
    assert list(parts(Trickle(wrap(bodies, sent, length=False) + sent), declared)) == bodies


def test_parts_of_known_length_may_hold_a_boundary():
    body = b"\xff\xd8\r\n--edge\r\n\xff\xd9"
    assert list(parts(Trickle(wrap([body, body])), "edge")) == [body, body]


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
        list(parts(Trickle(content), "edge"))
