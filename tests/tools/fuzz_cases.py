"""Cases for fuzzing: small sound inputs of each kind, seeded mutations of them, and the code that reads them."""

import contextlib
import io
import socket
import threading
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial

import numpy as np
from fuzz_seeds import conversations, picture_files, recordings, streams, texts

from edge.bundle import load_bundle
from edge.capture.base import quiet_opencv
from edge.capture.container import container_of
from edge.capture.jpeg import DamagedJpegError, complete_jpeg, decode_grey
from edge.capture.multipart import MultipartError, parts
from edge.capture.picture_file import bits_of, decode_picture, pages_of, read_colour
from edge.capture.source import open_source
from edge.config.device import MqttSettings, load_settings
from edge.control_room.board import Board
from edge.control_room.lines import as_line
from edge.control_room.subscriber import Subscriber
from edge.errors import GammaboxError
from edge.simulation.replay import read_recording
from edge.site.calibration import read_calibration
from edge.telemetry import topics
from edge.telemetry.messages import decode
from edge.truth import read_truth
from firmware_config.site_file import load_site

MAX_CASE_BYTES = 400_000
NUMBERS = (b"\0", b"\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\0")
WORDS = (
    *(
        "*a",
        "&a b",
        "!!int x",
        "!x",
        "---",
        "...",
        "- - - -",
        "{",
        "}",
        "[",
        "]",
        ": ",
        "? ",
        "|",
        ">",
        "#",
        "%YAML 9.9",
    ),
    *("1e999", ".nan", "-.inf", "NaN", "Infinity", "0x10", "017", "1_000", "12:30:45", "~", "null", "yes", "''", '"'),
    *('"\\ud800"', '"\\U7fffffff"', "\t", "\ufeff", "\u2028", "\x85", "\x1b[2J", "\0", "é", "rtsp://a:b@c", "9" * 400),
)


@dataclass(frozen=True)
class Kind:
    """Sound inputs, and a function that makes the code that reads them from a folder to work in."""

    seeds: object
    target: object
    text: bool = False


def case_of(kind, number):
    """Return the input of a case: always the same bytes for the same kind and number."""
    rng = np.random.default_rng([number, *kind.encode()])
    seeds = KINDS[kind].seeds()
    content = bytearray(seeds[int(rng.integers(len(seeds)))])
    for _ in range(int(rng.integers(1, 7))):
        content = mutated(content, rng, seeds, text=KINDS[kind].text)
    return bytes(content[:MAX_CASE_BYTES])


def mutated(content, rng, seeds, *, text):  # noqa: C901 - a change a branch
    """Return bytes with one change."""
    at = int(rng.integers(len(content) + 1))
    end = min(len(content), at + int(rng.integers(1, 2 + len(content) // 4)))
    where = np.s_[at:end]
    choice = int(rng.integers(10))
    if text and rng.random() < 0.6:
        return content[:at] + WORDS[int(rng.integers(len(WORDS)))].encode("utf-8", "surrogatepass") + content[at:]
    if choice == 0 and content:
        content[min(at, len(content) - 1)] ^= 1 << int(rng.integers(8))
    elif choice == 1:
        content[at : at + 4] = NUMBERS[int(rng.integers(len(NUMBERS)))]
    elif choice == 2:
        del content[where]
    elif choice == 3:
        content[at:at] = content[where]
    elif choice == 4:
        del content[at:]
    elif choice == 5:
        content[at:at] = rng.bytes(int(rng.integers(1, 40)))
    elif choice == 6:
        content[where] = bytes(end - at)
    elif choice == 7:
        other = seeds[int(rng.integers(len(seeds)))]
        content[at:] = other[int(rng.integers(len(other) + 1)) :]
    elif choice == 8:
        content[at : at + 2] = int(rng.integers(65536)).to_bytes(2, "big")
    else:
        content[where] = rng.bytes(end - at)
    return content


def read_recording_case(folder):
    """Return the reader of recordings."""
    quiet_opencv()

    def read(content):
        path = folder / "case.avi"
        path.write_bytes(content)
        container_of(path)
        with contextlib.suppress(GammaboxError), open_source(path) as source:
            for count, frame in enumerate(source):
                frame.has_colours  # noqa: B018 - reads the header
                with contextlib.suppress(GammaboxError):
                    frame.colour_halved()
                if count > 60:
                    break

    return read


def read_picture_case(folder):
    """Return the reader of pictures and of folders of them."""
    quiet_opencv()
    (folder / "pictures").mkdir()

    def read(content):
        with contextlib.suppress(DamagedJpegError):
            decode_grey(complete_jpeg(content))
        decode_picture(content)
        pages_of(content)
        path = folder / "pictures" / "1.png"
        path.write_bytes(content)
        read_colour(path, bits_of([path]))
        with contextlib.suppress(GammaboxError), open_source(path.parent) as source:
            list(source)

    return read


class _Slow(io.BytesIO):
    """Gives few bytes at a time, as a network does."""

    def read1(self, size=-1, /):
        return super().read1(min(size, 1500) if size > 0 else 1500)


def read_stream_case(_folder):
    """Return the reader of multipart streams."""

    def read(content):
        for boundary in ("cut", None):
            with contextlib.suppress(MultipartError):
                for part in parts(_Slow(content), boundary):
                    with contextlib.suppress(DamagedJpegError):
                        complete_jpeg(part.body)

    return read


def read_conversation_case(_folder):
    """Return the control room, connected to a broker that says what a case holds."""

    def serve(listener, content):
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            listener.close()  # so that no second attempt waits for an answer
            with connection:
                connection.settimeout(0.1)
                connection.recv(4096)
                connection.sendall(content[:8])
                connection.recv(4096)
                connection.sendall(content[8:])

    def read(content):
        listener = socket.create_server(("127.0.0.1", 0))
        settings = MqttSettings(host="127.0.0.1", port=listener.getsockname()[1], protocol="5")
        server = threading.Thread(target=serve, args=(listener, content), daemon=True)
        server.start()
        board = Board()
        try:
            with Subscriber(settings) as subscriber:
                for arrived in [*subscriber.poll(0.01), *subscriber.poll(0.01)]:
                    board.update(arrived, datetime.now(timezone.utc))
                    assert "\n" not in as_line(arrived)
        except GammaboxError:
            pass
        finally:
            server.join(1)
            listener.close()
        for kind in topics.KINDS:
            with contextlib.suppress(GammaboxError):
                decode(kind, content[40:])

    return read


def read_text_case(folder):
    """Return the readers of YAML and of JSON."""
    (folder / "bundle").mkdir()
    readers = {
        "device.yaml": load_settings,
        "site.yaml": load_site,
        "truth.jsonl": read_truth,
        "events.jsonl": partial(read_recording, seconds=None, block_s=60.0),
        "calibration.json": read_calibration,
    }

    def read(content):
        for name, reader in readers.items():
            path = folder / name
            path.write_bytes(content)
            with contextlib.suppress(GammaboxError):
                reader(path)
        (folder / "bundle" / "model.json").write_bytes(content)
        with contextlib.suppress(GammaboxError):
            load_bundle(folder / "bundle")

    return read


KINDS = {
    "recording": Kind(recordings, read_recording_case),
    "picture": Kind(picture_files, read_picture_case),
    "stream": Kind(streams, read_stream_case),
    "mqtt": Kind(conversations, read_conversation_case),
    "text": Kind(texts, read_text_case, text=True),
}
