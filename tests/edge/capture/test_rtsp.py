"""RTSP against a small server of its own: JPEG over RTP (RFC 2435), interleaved in the RTSP connection (RFC 2326)."""

import socketserver
import struct
import threading
import time
from itertools import pairwise

import pytest

from edge.capture.source import open_source
from edge.capture.stream import FfmpegStreamSource
from edge.errors import SourceError

pytestmark = pytest.mark.timeout(120)

SDP = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
    "m=video 0 RTP/AVP 26\r\na=control:track1\r\na=framerate:25\r\n"
)


def segments_of(jpeg):
    """Return the two quantisation tables and the coded data of a baseline JPEG."""
    tables, at = {}, 2
    while True:
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4], "big")
        body = jpeg[at + 4 : at + 2 + length]
        at += 2 + length
        if marker == 0xDB:
            for start in range(0, len(body), 65):
                tables[body[start]] = body[start + 1 : start + 65]
        if marker == 0xDA:
            return tables[0] + tables[1], jpeg[at:-2]


def rtp_packets(jpeg, number, size):
    tables, coded = segments_of(jpeg)
    for offset in range(0, len(coded), 1200):
        piece = coded[offset : offset + 1200]
        last = offset + 1200 >= len(coded)
        head = struct.pack(">I", offset) + bytes([1, 255, size[0] // 8, size[1] // 8])
        head += struct.pack(">BBH", 0, 0, 128) + tables if offset == 0 else b""
        rtp_packets.sequence = (getattr(rtp_packets, "sequence", 0) + 1) & 0xFFFF
        rtp = struct.pack(">BBHII", 0x80, 26 | (0x80 if last else 0), rtp_packets.sequence, number * 3600, 7)
        packet = rtp + head + piece
        yield b"$\0" + struct.pack(">H", len(packet)) + packet


class Visit(socketserver.StreamRequestHandler):
    def handle(self):
        self.server.visits += 1
        while (request := self.read_request()) is not None:
            method, headers = request
            self.server.asked.append(method)
            answer = {
                "OPTIONS": ("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN", ""),
                "DESCRIBE": ("Content-Type: application/sdp", SDP),
                "SETUP": ("Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1", ""),
                "PLAY": ("Session: 1", ""),
            }.get(method, ("Session: 1", ""))
            head, body = answer
            length = f"Content-Length: {len(body)}\r\n" if body else ""
            self.wfile.write(f"RTSP/1.0 200 OK\r\nCSeq: {headers['cseq']}\r\n{head}\r\n{length}\r\n{body}".encode())
            if method == "PLAY":
                self.play()
                return

    def read_request(self):
        line = self.rfile.readline().decode()
        if not line.strip():
            return None
        headers = {}
        while header := self.rfile.readline().decode().strip():
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        return line.split()[0], headers

    def play(self):
        for number, jpeg in enumerate(self.server.jpegs):
            time.sleep(self.server.pause_s)
            if number in self.server.lost:
                continue
            for packet in rtp_packets(jpeg, number, self.server.size):
                self.wfile.write(packet)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, jpegs, size):
        super().__init__(("127.0.0.1", 0), Visit)
        self.jpegs, self.size, self.visits, self.asked = jpegs, size, 0, []
        self.pause_s, self.lost = 0.01, set()

    def handle_error(self, request, client_address):
        """Visitors who leave are no news."""


@pytest.fixture
def server(make_jpeg):
    with Server([make_jpeg(number) for number in range(45)], (96, 80)) as serving:
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


def test_rtsp_keeps_motion_jpeg_and_reconnects(server, numbers, capfd):
    url = f"rtsp://user:s3cr3t@127.0.0.1:{server.server_address[1]}/live?key=hidden"
    frames = []
    with FfmpegStreamSource(url, first_pause_s=0.05, timeout_s=5) as source:
        for frame in source:
            frames.append(frame)
            if source.report.reconnects and len(frames) > 20:
                break
    assert all(frame.jpeg is not None for frame in frames)
    numbers_seen = numbers(frames)
    for earlier, later, a, b in zip(frames, frames[1:], numbers_seen, numbers_seen[1:], strict=False):
        if later.sequence == earlier.sequence + 1:
            assert b == a + 1
    assert (source.mode.width, source.mode.height, source.mode.codec) == (96, 80, "Motion JPEG")
    assert server.visits >= 2
    shown = source.spec + repr(source.report) + capfd.readouterr().err
    assert "s3cr3t" not in shown
    assert "hidden" not in shown
    assert not any("not for detection" in warning for warning in source.report.warnings)


def test_rtsp_has_a_gap_where_pictures_are_lost(server, numbers):
    server.pause_s, server.lost = 0.02, {30, 31}
    with FfmpegStreamSource(f"rtsp://127.0.0.1:{server.server_address[1]}/live", timeout_s=5) as source:
        frames = [frame for frame, _ in zip(source, range(40), strict=False)]
    assert source.report.dropped >= 2
    follows = [numbers(pair) for pair in pairwise(frames) if pair[1].sequence == pair[0].sequence + 1]
    assert len(follows) > 20
    assert [pair for pair in follows if (pair[1] - pair[0]) % 45 != 1] == []


def test_rtsp_refuses_a_server_that_speaks_something_else(capfd):
    class Mute(socketserver.StreamRequestHandler):
        def handle(self):
            self.rfile.readline()
            self.wfile.write(b"HTTP/1.0 400 Bad Request\r\n\r\n")

    with socketserver.TCPServer(("127.0.0.1", 0), Mute) as serving:
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            with pytest.raises(SourceError, match="does not answer, or sends no video"):
                open_source(f"rtsp://127.0.0.1:{serving.server_address[1]}/x")
        finally:
            serving.shutdown()
            thread.join()
    assert capfd.readouterr().err == ""
