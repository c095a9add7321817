import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.capture.jpeg import DamagedJpegError, complete_jpeg, decode_grey, picture_size


@pytest.fixture(scope="module")
def whole():
    rng = np.random.default_rng(1)
    picture = (rng.integers(0, 40, (240, 320, 3)) + np.linspace(0, 180, 320)[None, :, None]).astype(np.uint8)
    return cv2.imencode(".jpg", picture)[1].tobytes()


def without_segments(jpeg, marker):
    kept, at = jpeg[:2], 2
    while True:
        length = int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if jpeg[at + 1] != marker:
            kept += jpeg[at : at + 2 + length]
        at += 2 + length
        if jpeg[at - 2 - length + 1] == 0xDA:
            return kept + jpeg[at:]


@pytest.mark.parametrize("padding", [b"", b"\0", b"\0" * 64, b"\x07 leftovers of an older frame \xff\xd9"])
def test_complete_jpeg_cuts_off_padding(whole, padding):
    assert complete_jpeg(whole + padding) == whole


@pytest.mark.parametrize(
    "options", [{}, {"progressive": 1}, {"rst_interval": 2}, {"sampling_factor": 0x221111}, {"quality": 100}]
)
def test_decode_grey_agrees_with_opencv(make_jpeg, options):
    jpeg = make_jpeg(7, size=(161, 99), **options)
    assert complete_jpeg(jpeg + b"\0\0") == jpeg
    assert picture_size(jpeg) == (161, 99)
    theirs = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert np.array_equal(decode_grey(jpeg), theirs)


def test_decode_grey_reads_grey_and_plain_huffman_pictures(whole):
    # Webcams leave the standard tables out to save bandwidth.
    bare = without_segments(whole, 0xC4)
    assert len(bare) < len(whole)
    assert np.array_equal(decode_grey(complete_jpeg(bare)), decode_grey(whole))
    grey = cv2.imencode(".jpg", decode_grey(whole))[1].tobytes()
    assert decode_grey(complete_jpeg(grey)).shape == (240, 320)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda whole: whole[:0], "is empty"),
        (lambda whole: b"RIFF" * 20 + whole, "does not begin as a JPEG"),
        (lambda whole: whole[:2], "cut short"),
        (lambda whole: whole[:300], "cut short"),
        (lambda whole: whole[: len(whole) // 2] + bytes(100), "zeros instead of its end"),
        (lambda whole: whole[: len(whole) // 2] + whole, "stray marker FFD8"),
        (lambda whole: whole[:2] + b"\xff\xd9", "without picture data"),
        (lambda whole: whole[:2] + b"hello world, this is no JPEG", "broken header"),
    ],
)
def test_complete_jpeg_refuses_broken_ends(whole, damage, reason):
    with pytest.raises(DamagedJpegError, match=reason):
        complete_jpeg(damage(whole))


def test_complete_jpeg_passes_over_a_few_bytes_before_it(whole):
    assert complete_jpeg(b"\r\n\0\0" + whole) == whole


@pytest.mark.parametrize(
    ("at", "byte", "reason"),
    [(1, 0xC3, "lossless JPEG"), (4, 12, "JPEG of 12 bits a colour"), (9, 4, r"colours for print \(CMYK\)")],
)
def test_complete_jpeg_names_kinds_that_it_cannot_read(whole, at, byte, reason):
    frame = whole.index(b"\xff\xc0")
    with pytest.raises(DamagedJpegError, match=reason):
        complete_jpeg(whole[: frame + at] + bytes([byte]) + whole[frame + at + 1 :])


def test_complete_jpeg_refuses_an_enormous_size(whole):
    at = whole.index(b"\xff\xc0") + 5
    with pytest.raises(DamagedJpegError, match="impossible size"):
        complete_jpeg(whole[:at] + b"\xff\xff\xff\xff" + whole[at + 4 :])


def test_decode_grey_refuses_a_lost_piece(whole, capfd):
    torn = whole[:9000] + whole[9700:]
    assert complete_jpeg(torn) == torn
    with pytest.raises(DamagedJpegError, match="piece missing"):
        decode_grey(torn)
    assert capfd.readouterr().err == ""


def test_complete_jpeg_refuses_a_lost_restart_interval(make_jpeg):
    jpeg = make_jpeg(3, size=(320, 240), rst_interval=4)
    marks = [at for at in range(len(jpeg) - 1) if jpeg[at] == 0xFF and 0xD0 <= jpeg[at + 1] <= 0xD7]
    assert len(marks) > 10
    with pytest.raises(DamagedJpegError, match="out of order"):
        complete_jpeg(jpeg[: marks[4]] + jpeg[marks[6] :])


def test_decode_grey_refuses_nine_of_ten_lost_pieces(whole):
    rng = np.random.default_rng(5)
    noticed = 0
    for _ in range(300):
        start, length = int(rng.integers(len(whole) // 10, len(whole) - 2000)), int(rng.integers(1, 2000))
        try:
            decode_grey(complete_jpeg(whole[:start] + whole[start + length :]))
        except DamagedJpegError:
            noticed += 1
    assert noticed >= 270


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_decode_grey_refuses_nearly_all_lost_stretches(whole, data):
    # Property: either the damage is noticed, or the picture has its whole size; nothing but DamagedJpegError comes out.
    start = data.draw(st.integers(0, len(whole) - 2))
    length = data.draw(st.integers(1, 4000))
    torn = whole[:start] + whole[start + length :]
    try:
        grey = decode_grey(complete_jpeg(torn))
    except DamagedJpegError:
        return
    assert grey.ndim == 2
    assert grey.dtype == np.uint8


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.booleans())
def test_complete_jpeg_turns_any_bytes_into_a_jpeg_or_reason(noise, starts_well):
    try:
        grey = decode_grey(complete_jpeg(b"\xff\xd8" + noise if starts_well else noise))
    except DamagedJpegError:
        return
    assert grey.ndim == 2


@pytest.mark.parametrize("missing", [1, 2])
def test_jpeg_without_its_end_marker_is_whole(whole, missing):
    repaired = complete_jpeg(whole[:-missing])
    assert repaired == whole
    assert np.array_equal(decode_grey(repaired), decode_grey(whole))


@pytest.mark.parametrize("missing", [4, 5, 10, 500])
def test_jpeg_without_the_end_of_its_data_is_damaged(whole, missing):
    with pytest.raises(DamagedJpegError, match="piece missing"):
        decode_grey(complete_jpeg(whole[:-missing]))


def field(whole, polarity):
    return whole[:2] + b"\xff\xe0\x00\x10AVI1" + bytes([polarity]) + bytes(9) + whole[20:]


@pytest.mark.parametrize(
    "interlaced",
    [
        pytest.param(lambda whole: field(whole, 1) + field(whole, 2), id="marked"),
        pytest.param(lambda whole: whole + whole, id="unmarked"),
    ],
)
def test_jpeg_of_two_fields_is_refused_as_interlaced(whole, interlaced):
    with pytest.raises(DamagedJpegError, match="interlaced"):
        complete_jpeg(interlaced(whole))


def test_jpeg_of_a_progressive_avi_is_no_field(whole):
    assert complete_jpeg(field(whole, 0)) == field(whole, 0)
