"""Oddities of cameras, each sent byte by byte by a camera of this test. Curl and browsers bear all of them."""

import base64
import contextlib
import re
import shutil
import subprocess
import threading
import time

import pytest
from raw_camera import RawCamera

from edge.capture.source import open_source
from edge.errors import SourceError

MULTIPART = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=cut\r\nConnection: close\r\n\r\n"
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


@contextlib.contextmanager
def serving(answer, certificate=None):
    with RawCamera(answer, certificate) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture(scope="module")
def stream(make_jpeg):
    jpegs = [make_jpeg(number) for number in range(6)]
    return b"".join(b"--cut\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(jpeg), jpeg) for jpeg in jpegs)


def taken(address, count=4, **options):
    with open_source(address, **options) as source:
        return [frame.sequence for frame, _ in zip(source.pictures(), range(count), strict=False)]


def status(line, *headers):
    return "\r\n".join([f"HTTP/1.1 {line}", *headers, "Content-Length: 0", "Connection: close", "", ""]).encode()


@pytest.mark.parametrize(
    "head",
    [
        MULTIPART,
        MULTIPART.replace(b"\r\nContent", b"\r\nTue, 12 Jun 2012 01:56:34 GMT\r\nContent"),
        MULTIPART.replace(b"\r\nContent", b"\r\nno colon at all\r\n: no name\r\nServer : cam\r\nContent", 1),
        MULTIPART.replace(b"multipart/x-mixed-replace;boundary=cut", b"application/octet-stream"),
        MULTIPART.replace(b"multipart/x-mixed-replace;boundary=cut", b"multipart/x-mixed-replace"),
        MULTIPART.replace(b"boundary=cut", b'Boundary="--other"'),
        b"HTTP/1.0 200 OK\nContent-type: text/plain\n\n",
        b"ICY 200 OK\r\n\r\n",
    ],
    ids=["plain", "date", "no_name", "octets", "undeclared", "other", "text", "icy"],
)
def test_stream_is_read_whatever_its_head(stream, head):
    with serving(lambda *_: [head, stream]) as camera:
        assert taken(f"http://127.0.0.1:{camera.port}/v") == [0, 1, 2, 3]


def test_stream_of_ffmpeg_is_read(make_jpeg):
    def answer(*_):
        yield b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        for number in range(6):
            jpeg = make_jpeg(number)
            part = b"--ffmpeg\r\nContent-type: image/jpeg\r\nContent-length: %d\r\n\r\n%s\r\n" % (len(jpeg), jpeg)
            yield b"%x\r\n%s\r\n" % (len(part), part)

    with serving(answer) as camera:
        assert taken(f"http://127.0.0.1:{camera.port}/v") == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("offers", "sent"),
    [
        (['Digest realm="c", nonce="n1", algorithm="SHA-256", qop="auth"'], b"algorithm=SHA-256"),
        (['Digest realm="c", nonce="n1", algorithm=MD5', 'Digest realm="c", nonce="n2", algorithm=SHA-256'], b"n2"),
        (['Digest realm="c", nonce="n1", qop="auth-int, auth"'], b"qop=auth"),
        (["Bearer, Negotiate", 'Basic realm="c"'], b"Basic "),
        (['Digest realm="é", nonce="n1"'], "ж".encode()),
    ],
    ids=["sha256", "both", "qop", "basic", "non_ascii"],
)
def test_login_is_answered(stream, offers, sent):
    def answer(_path, head):
        if "authorization" not in head:
            return [status("401 Unauthorized", *(f"WWW-Authenticate: {offer}" for offer in offers))]
        return [MULTIPART, stream]

    with serving(answer) as camera:
        assert taken(f"http://ж:s3cr3t@127.0.0.1:{camera.port}/v") == [0, 1, 2, 3]
        assert sent in camera.requests[1][1]["authorization"]


@pytest.mark.parametrize("code", ["301 Moved", "302 Found", "303 Other", "307 Temporary", "308 Permanent"])
def test_login_follows_redirects_on_the_same_host(stream, code):
    def answer(path, head):
        if path == "/v":
            return [status(code, "Location: /real?id=1")]
        if "authorization" not in head:
            return [status("401 Unauthorized", 'WWW-Authenticate: Basic realm="c"')]
        return [MULTIPART, stream]

    with serving(answer) as camera:
        assert taken(f"http://user:s3cr3t@127.0.0.1:{camera.port}/v") == [0, 1, 2, 3]
        assert [path for path, _ in camera.requests] == ["/v", "/real?id=1", "/real?id=1"]
        assert camera.requests[2][1]["authorization"] == b"Basic " + base64.b64encode(b"user:s3cr3t")


def test_login_keeps_the_cookie_of_a_redirect(stream):
    def answer(path, head):
        if path == "/v":
            return [status("302 Found", "Location: /real", "Set-Cookie: session=17; Path=/")]
        return [MULTIPART, stream] if head.get("cookie") == b"session=17" else [status("403 Forbidden")]

    with serving(answer) as camera:
        assert taken(f"http://127.0.0.1:{camera.port}/v") == [0, 1, 2, 3]


def test_login_never_reaches_another_host(stream):
    ask = [status("401 Unauthorized", 'WWW-Authenticate: Basic realm="c"')]

    def answer(_path, head):
        return [MULTIPART, stream] if "authorization" in head else ask

    with serving(answer) as other:
        refers = status("302 Found", f"Location: http://also:hidden@127.0.0.1:{other.port}/v")
        with serving(lambda *_: [refers]) as camera:
            address = f"http://user:s3cr3t@127.0.0.1:{camera.port}/v"
            with pytest.raises(
                SourceError, match=r"refers to another host.*asks for a login.; the login is not sent there"
            ):
                taken(address)
        with serving(lambda _, head: [refers] if "authorization" in head else ask) as camera:
            with pytest.raises(SourceError, match="refers to another host") as caught:
                taken(f"http://user:s3cr3t@127.0.0.1:{camera.port}/v")
            assert not re.search("s3cr3t|hidden", str(caught.value))
        assert other.requests
        assert all("authorization" not in head for _, head in other.requests)


def test_login_is_tried_once_unless_its_nonce_is_stale():
    with serving(lambda *_: [status("401 No", 'WWW-Authenticate: Basic realm="c"')]) as camera:
        with pytest.raises(SourceError, match=r"401.*it refuses the login; put user:password@"):
            taken(f"http://user:wrong@127.0.0.1:{camera.port}/v")
        assert len(camera.requests) == 2
    stale = 'WWW-Authenticate: Digest realm="c", nonce="n", stale=true'
    with serving(lambda *_: [status("401 No", stale)]) as camera:
        with pytest.raises(SourceError, match="asks for a login again and again"):
            taken(f"http://user:pass@127.0.0.1:{camera.port}/v")
        assert len(camera.requests) == 5


def test_address_is_sent_as_browsers_send_it(stream):
    with serving(lambda *_: [MULTIPART, stream]) as camera:
        taken(f"http://127.0.0.1:{camera.port}/vidéo 1%20?name=a b&c=ü#top")
        assert camera.requests[0][0] == "/vid%C3%A9o%201%20?name=a%20b&c=%C3%BC"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([b""], "cannot be reached .the connection was closed without an answer"),
        ([b"\x01\x02 no HTTP\r\n\r\n"], "the answer is not HTTP"),
        ([b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000], "header line that is too long"),
        ([MULTIPART.replace(b"Connection", b"Transfer-Encoding: chunked\r\nX"), b"zz\r\n"], "the connection broke"),
        ([status("302 Found", "Location: rtsp://127.0.0.1/x")], "302 and refers to an address that cannot be followed"),
        ([status("302 Found", "Location: /v")], "302 and refers to an address that cannot be followed"),
        ([status("401 No", "WWW-Authenticate: NTLM")], "asks for a login by Ntlm; allow Digest or Basic"),
        ([status("401 No", "WWW-Authenticate: Basic")], "it asks for a login; put user:password@"),
        ([status("401 No")], "it asks for a login; put user:password@"),
        ([status("503 Busy")], r"503 \(Busy\); the camera is busy"),
        (
            [b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: 4\r\n\r\n\xff\xd8\xff\xd9"],
            "single picture",
        ),
        ([MULTIPART, b"--cut\r\nContent-Length: 99999999999\r\n\r\n"], "a part of 99999999999 bytes is announced"),
    ],
)
def test_refusal_names_the_cause_in_words(answer, words):
    with serving(lambda *_: answer) as camera, pytest.raises(SourceError, match=words) as caught:
        open_source(f"http://127.0.0.1:{camera.port}/v")
    assert not re.search("[A-Z][a-z]+(Error|Exception)|Incomplete|BadStatus|LineToo", str(caught.value))


@pytest.mark.parametrize(("address", "words"), [("nowhere.invalid", "no host of this name"), ("[::1", "names no host")])
def test_refusal_of_an_address_is_in_words(address, words):
    with pytest.raises((SourceError, ValueError), match=f"{words}|Invalid IPv6"):
        open_source(f"http://{address}/v")


def self_signed(certificate, key):
    """Write a self-signed certificate and its key."""
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=IPCAM"
    command = ["openssl", *words.split(), "-out", certificate, "-keyout", key]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Return a self-signed certificate for a name that nobody uses, as cameras make for themselves, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    files = folder / "camera.pem", folder / "camera.key"
    self_signed(*files)
    return files


@needs_openssl
def test_certificate_of_the_camera_itself_is_trusted(stream, certificate):
    with serving(lambda *_: [MULTIPART, stream], certificate) as camera:
        address = f"https://127.0.0.1:{camera.port}/v"
        with pytest.raises(SourceError, match=r"certificate is not trusted.*source\.ca_file"):
            taken(address)
        assert taken(address, ca_file=certificate[0]) == [0, 1, 2, 3]


@needs_openssl
def test_certificate_of_another_camera_is_refused(stream, certificate, tmp_path):
    other = tmp_path / "other.pem"
    self_signed(other, tmp_path / "key")
    with serving(lambda *_: [MULTIPART, stream], certificate) as camera:
        with pytest.raises(SourceError, match="certificate is not trusted"):
            taken(f"https://127.0.0.1:{camera.port}/v", ca_file=other)
        with pytest.raises(SourceError, match="cannot be reached"):
            taken(f"http://127.0.0.1:{camera.port}/v")


@pytest.mark.parametrize(("content", "words"), [(None, "cannot be read"), ("no certificate", "holds no certificate")])
def test_certificate_file_that_cannot_be_used_is_named(tmp_path, content, words):
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SourceError, match=rf"ca\.pem: {words}.*source\.ca_file"):
        open_source("https://127.0.0.1:9/v", ca_file=file)


def test_https_on_a_plain_port_is_named(stream):
    with (
        serving(lambda *_: [MULTIPART, stream]) as camera,
        pytest.raises(SourceError, match=r"does not speak HTTPS on this port.; try http://"),
    ):
        open_source(f"https://127.0.0.1:{camera.port}/v")


def test_stream_with_time_stamps_has_a_gap_where_one_jumps(make_jpeg):
    jpegs = [make_jpeg(number) for number in range(10)]

    def answer(*_):
        yield MULTIPART
        for number in range(64):
            if number in {58, 59}:
                continue
            jpeg = jpegs[number % 10]
            yield b"--cut\r\nX-Timestamp: %.3f\r\nContent-Length: %d\r\n\r\n" % (7 + number / 25, len(jpeg))
            yield jpeg + b"\r\n"
            time.sleep(0.04)

    with serving(answer) as camera, open_source(f"http://127.0.0.1:{camera.port}/v") as source:
        numbers = [frame.sequence for frame, _ in zip(source.pictures(), range(62), strict=False)]
        assert source.report.dropped >= 2
    assert not {58, 59} & set(numbers)
