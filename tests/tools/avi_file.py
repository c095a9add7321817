"""Writes AVI files as recorders make them, with whatever chunks and streams a test wants."""

import struct


def avi(packets, fps, *, size=(96, 80), streams=1, declared=None, padding=b""):
    """Return the bytes of a Motion JPEG AVI; packets belong to the first of the streams, empty ones included."""
    width, height = size
    count = len(packets) if declared is None else declared
    movi, index = b"movi", b""
    for packet in packets:
        index += b"00dc" + struct.pack("<III", 0x10, len(movi), len(packet))
        movi += _chunk(b"00dc", packet)
    avih = struct.pack("<14I", round(1e6 / fps), 0, 0, 0x10, count, 0, streams, 1 << 20, width, height, 0, 0, 0, 0)
    head = struct.pack("<IHHIIIIIIIIHHHH", 0, 0, 0, 0, 1, fps, 0, count, 0, 0xFFFFFFFF, 0, 0, 0, width, height)
    form = struct.pack("<IiiHH4sIiiII", 40, width, height, 1, 24, b"MJPG", width * height * 3, 0, 0, 0, 0)
    stream = b"strl" + _chunk(b"strh", b"vidsMJPG" + head) + _chunk(b"strf", form)
    header = b"hdrl" + _chunk(b"avih", avih) + _chunk(b"LIST", stream) * streams
    content = b"AVI " + _chunk(b"LIST", header) + _chunk(b"LIST", movi) + _chunk(b"idx1", index)
    return _chunk(b"RIFF", content) + padding


def _chunk(name, body):
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) & 1)
