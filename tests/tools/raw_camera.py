"""A camera whose answers are written byte by byte, for tests of oddities that no HTTP server can be talked into."""

import contextlib
import socketserver
import ssl


class RawCamera(socketserver.ThreadingTCPServer):
    """Answers each request by `answer(path, head)`, an iterable of bytes, and keeps the requests.

    A connection ends with its answer.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, answer, certificate=None):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer, self.requests = answer, []
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)

    @property
    def port(self):
        return self.server_address[1]

    def handle_error(self, request, client_address):
        """Visitors who leave are no news."""


class _Handler(socketserver.StreamRequestHandler):
    def handle(self):
        _, _, path = self.rfile.readline().decode("latin-1").rpartition(" HTTP")[0].partition(" ")
        head = {}
        while path and (line := self.rfile.readline().strip()):
            name, _, value = line.partition(b":")
            head[name.decode().lower()] = value.strip()
        self.server.requests.append((path, head))
        with contextlib.suppress(OSError):
            for piece in self.server.answer(path, head):
                self.wfile.write(piece)
                self.wfile.flush()
