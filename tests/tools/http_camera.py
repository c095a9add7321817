"""A camera that sends Motion JPEG over HTTP, for tests of streams."""

import http.server
import threading
import time


class Camera(http.server.ThreadingHTTPServer):
    """Sends its pictures to each visitor while `open` is set, then ends the connection or goes silent until `over`."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.jpegs, self.visits = [], 0
        self.content_type = 'multipart/x-mixed-replace; boundary="--edge"'
        self.with_length, self.silent_s, self.status, self.login, self.pause_s = True, 0.0, 200, None, 0.0
        self.open, self.over = threading.Event(), threading.Event()
        self.open.set()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}/video.mjpg"

    def handle_error(self, request, client_address):
        """Visitors who leave are no news."""


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        """Keep the tests' output clean."""

    def do_GET(self):
        camera = self.server
        camera.visits += 1
        camera.open.wait()
        given = self.headers.get("Authorization", "")
        if camera.login and not camera.login(given):
            self.send_response(401)
            self.send_header("WWW-Authenticate", camera.challenge)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(camera.status)
        self.send_header("Content-Type", camera.content_type)
        self.end_headers()
        jpegs = camera.jpegs(camera.visits) if callable(camera.jpegs) else camera.jpegs
        for jpeg in jpegs:
            length = f"Content-Length: {len(jpeg)}\r\n" if camera.with_length else ""
            self.wfile.write(f"--edge\r\nContent-Type: image/jpeg\r\n{length}\r\n".encode() + jpeg + b"\r\n")
            time.sleep(camera.pause_s)
        self.wfile.flush()
        camera.over.wait(camera.silent_s)
