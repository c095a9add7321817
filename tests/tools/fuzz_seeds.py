"""Small sound inputs of each kind, from which fuzzing makes its cases."""

import json
import tempfile
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from edge.capture.mjpeg_writer import MotionJpegWriter

SIZE = (96, 64)


@cache
def pictures(count=6):
    """Return JPEGs of a still scene, some grey, one with restart markers and one progressive."""
    rng = np.random.default_rng(1)
    made = []
    for number in range(count):
        picture = rng.integers(40, 90, (SIZE[1], SIZE[0], 3)).astype(np.uint8)
        options = {2: [cv2.IMWRITE_JPEG_RST_INTERVAL, 4], 3: [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]}.get(number, [])
        made.append(cv2.imencode(".jpg", picture[..., 0] if number == 4 else picture, options)[1].tobytes())
    return tuple(made)


@cache
def picture_files():
    """Return picture files of each format."""
    rng = np.random.default_rng(2)
    colour = rng.integers(0, 255, (SIZE[1], SIZE[0], 3)).astype(np.uint8)
    deep = rng.integers(0, 4095, (SIZE[1], SIZE[0])).astype(np.uint16)
    formats = [(".png", colour), (".png", deep), (".tif", colour), (".tif", deep), (".bmp", colour), (".pgm", deep)]
    made = [cv2.imencode(ending, picture)[1].tobytes() for ending, picture in [*formats, (".webp", colour)]]
    exif = b"\xff\xe1\x00\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    return (*made, *pictures(), pictures()[0][:2] + exif + pictures()[0][2:])


@cache
def recordings():
    """Return recordings in several containers and codecs."""
    made = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "own.avi"
        with MotionJpegWriter(path, 25, SIZE) as writer:
            for jpeg in pictures():
                writer.write(jpeg)
        made.append(path.read_bytes())
        for name, codec in (
            ("a.avi", "MJPG"),
            ("a.mkv", "MJPG"),
            ("a.mp4", "mp4v"),
            ("b.avi", "FFV1"),
            ("c.avi", "XVID"),
        ):
            path = Path(folder) / name
            writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), 25, SIZE)
            for jpeg in pictures():
                writer.write(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR))
            writer.release()
            if path.exists() and path.stat().st_size:
                made.append(path.read_bytes())
    return (*made, b"".join(pictures()))


@cache
def streams():
    """Return answers of cameras from the first part on."""

    def stream(head, between=b"--cut\r\n", after=b"\r\n"):
        return b"".join(between + head(len(jpeg)) + jpeg + after for jpeg in pictures()) + b"--cut--\r\n"

    return (
        stream(lambda size: b"Content-Type: image/jpeg\r\nContent-Length: %d\r\nX-Timestamp: 12.5\r\n\r\n" % size),
        stream(lambda _: b"Content-Type: image/jpeg\r\n\r\n"),
        stream(lambda size: b"Content-Length: %d\n\n" % size, b"--cut\n", b"\n"),
        stream(lambda _: b"", b"", b""),
    )


def packet(first, body):
    """Return an MQTT packet."""
    length, rest = b"", len(body)
    while True:
        rest, digit = rest // 128, rest % 128
        length += bytes([digit | (128 if rest else 0)])
        if not rest:
            return bytes([first]) + length + body


def published(topic, payload):
    """Return a PUBLISH packet of MQTT 5."""
    return packet(0x30, len(topic).to_bytes(2, "big") + topic + b"\0" + payload)


@cache
def conversations():
    """Return what a broker says: CONNACK, SUBACK, then messages of a box."""
    common = {"event_id": "b-1", "boot_id": "b", "seq": 1, "utc": "2026-01-01T00:00:00Z", "site": "a", "device": "g"}
    payloads = {
        "status": {**common, "state": "online", "reason": "connected"},
        "hit": {
            **common,
            "frame": 1,
            "live_fraction": 0.5,
            "exposure_s": None,
            "hits": [{"x": 1, "y": 2, "score": 0.5, "added_dn": 30.0, "pixels": 3, "live": True}],
        },
        "alarm": {**common, "state": "learning", "alarm": None, "reasons": ["it has just started"]},
    }
    messages = b"".join(
        published(b"gammabox/a/g/" + kind.encode(), json.dumps(p).encode()) for kind, p in payloads.items()
    )
    hello = packet(0x20, b"\0\0\x03\x21\0\x14") + packet(0x90, b"\0\x01\0\x01")
    return (hello + messages, hello + messages + packet(0xD0, b"") + packet(0xE0, b"\x8e\0"))


@cache
def texts():
    """Return settings, site files, and the texts that other programs read."""
    device = (
        "site: docks\ndevice: gate-1\nsource: {spec: clip.avi, exposure_s: 0.02}\nmqtt:\n  host: localhost\n"
        "  port: 1883\n"
        "detection:\n  threads: 1\n  masks:\n    - rectangle: [0, 0, 10, 10]\nalarm: {learn_s: 60.0}\n"
    )
    site = (
        "site: docks\nbroker:\n  host: broker.example\n  port: 8883\nboxes:\n  - device: gate-1\n    board: rpi4\n"
        "    camera: csi\n    exposure_s: 0.02\n    position: North gate\n    settings: {alarm: {learn_s: 30.0}}\n"
    )
    truth = '{"frame": 1, "x": 3, "y": 4, "box": [3, 4, 5, 6], "added": 40.0}\n' * 3
    events = '{"type": "hit", "frame": 1, "time_s": 0.04, "x": 3, "y": 4, "live": true}\n' * 3
    return tuple(text.encode() for text in (device, site, truth, events, '{"schema_version": 1, "name": "x"}'))
