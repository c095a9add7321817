"""HTTPS servers with ranges for releases: a small one that notes requests and fails as told, and nginx."""

import os
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from site_broker import is_open, wait_until

from firmware_config.image.programs import found

NGINX = found("nginx")


class ReleaseServer:
    """Serves a folder on this machine.

    `requests` holds path and first byte of each request. `cut_after` bytes of a file the connection is closed, while
    `cuts` of these are left. Without `ranges` it always sends whole files.
    """

    def __init__(self, folder: Path, certificate: Path, key: Path) -> None:
        self.folder = folder
        self.requests: list[tuple[str, int]] = []
        self.cut_after: int | None = None
        self.cuts = 1 << 30
        self.ranges = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}/"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_HEAD(self) -> None:
                self.do_GET()

            def do_GET(self) -> None:
                path = server.folder / self.path.lstrip("/")
                first = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
                server.requests.append((self.path, first))
                if not path.is_file():
                    self.send_error(404)
                    return
                content = path.read_bytes()
                first = first if server.ranges else 0
                self.send_response(206 if first else 200)
                if first:
                    self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
                self.send_header("Content-Length", str(len(content) - first))
                self.send_header("Connection", "close")
                self.end_headers()
                if self.command == "HEAD":
                    return
                is_cut = server.cut_after is not None and len(content) - first > server.cut_after and server.cuts > 0
                server.cuts -= is_cut
                self.wfile.write(content[first : first + server.cut_after] if is_cut else content[first:])
                self.close_connection = True

        return Handler


_NGINX_CONF = """
{user}
daemon off;
pid {run}/pid;
error_log {run}/log;
worker_processes 1;
events {{ }}
http {{
    access_log off;
    {places}
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        root {folder};
    }}
}}
"""


@contextmanager
def nginx(folder: Path, certificate: Path, key: Path, port: int, run: Path) -> Iterator[str]:
    """Serve a folder by nginx; yield the address."""
    run.mkdir()
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "\n    ".join(f"{kind}_temp_path {run}/{kind};" for kind in kinds)
    user = "user root;" if os.geteuid() == 0 else ""  # the tests' folders are their owner's alone
    text = _NGINX_CONF.format(
        folder=folder, certificate=certificate, key=key, port=port, run=run, places=places, user=user
    )
    (run / "conf").write_text(text, encoding="utf-8")
    process = subprocess.Popen([NGINX, "-c", run / "conf", "-p", run, "-e", run / "log"])
    try:
        assert wait_until(lambda: is_open(port) or process.poll() is not None, 10)
        assert process.poll() is None, (run / "log").read_text(encoding="utf-8")
        yield f"https://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait(10)
