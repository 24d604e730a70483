"""A file server that misbehaves on request."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CONTENT = bytes(range(256)) * 1000


class Server(ThreadingHTTPServer):
    """Serves one file; each response takes the next of the planned misdeeds."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.etag = '"v1"'
        self.ranges = True
        self.misdeeds: list[int | str] = []
        self.requests: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.given_up = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/files/set%20one.tar?download=1"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server = self.server
        server.requests.append(dict(self.headers))
        server.paths.append(self.path)
        misdeed = server.misdeeds.pop(0) if server.misdeeds else None
        if isinstance(misdeed, int):
            self.send_error(misdeed)
            return
        start, size = self._start(), len(server.content)
        if start > size or (start and start == size):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{size}")
            self.end_headers()
            return
        if start:
            shown = start + 1 if misdeed == "other range" else start
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {shown}-{size - 1}/{size}")
        else:
            self.send_response(200)
        self.send_header("ETag", server.etag)
        self.send_header("Content-Length", str(size - start))
        self.end_headers()
        body = server.content[::-1] if misdeed == "wrong file" else server.content[start:]
        self.wfile.write(body[: len(body) // 2] if misdeed in ("cut", "stall") else body)
        if misdeed == "stall":
            self.wfile.flush()
            server.given_up.wait(10)

    def _start(self) -> int:
        wanted = self.headers.get("Range")
        same = self.headers.get("If-Range", self.server.etag) == self.server.etag
        if not (wanted and same and self.server.ranges):
            return 0
        return int(wanted.removeprefix("bytes=").removesuffix("-"))

    def log_message(self, *_: object) -> None:
        pass
