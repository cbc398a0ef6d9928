"""A real HTTP server on this machine that misbehaves as it is told, path by path."""

from __future__ import annotations

import socket
import struct
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread

RESET_NOW = struct.pack("ii", 1, 0)
"""For SO_LINGER: closing sends a reset."""


class Handler(BaseHTTPRequestHandler):
    """Hands a request to what its path is scripted to do; says nothing of its own accord."""

    protocol_version = "HTTP/1.1"
    server: ChaosServer

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.note(path, dict(self.headers.items()))
        self.server.next_step(path)(self)

    def log_message(self, *_: object) -> None:
        """Be silent."""

    def reply(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send exactly these headers; of the body's length only what they say."""
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


Step = Callable[[Handler], None]


class ChaosServer(ThreadingHTTPServer):
    """Answers each path with its scripted steps, the last one for ever; 404 where nothing is scripted."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.is_ending = Event()
        self._steps: dict[str, list[Step]] = {}
        self._seen: dict[str, list[dict[str, str]]] = defaultdict(list)
        self._lock = Lock()

    def url(self, path: str) -> str:
        """The address of a path."""
        return f"http://127.0.0.1:{self.server_address[1]}{path}"

    def script(self, path: str, *steps: Step) -> str:
        """Let `path` answer with these steps, and return its address."""
        self._steps[path] = list(steps)
        return self.url(path)

    def requests(self, path: str) -> list[dict[str, str]]:
        """The headers of every request for `path` so far."""
        with self._lock:
            return list(self._seen[path])

    def note(self, path: str, headers: dict[str, str]) -> None:
        with self._lock:
            self._seen[path].append(headers)

    def next_step(self, path: str) -> Step:
        with self._lock:
            steps = self._steps.get(path, [status(404)])
            return steps.pop(0) if len(steps) > 1 else steps[0]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what these tests are about."""


@contextmanager
def chaos_server() -> Iterator[ChaosServer]:
    """A running server."""
    with ChaosServer() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.is_ending.set()
            server.shutdown()
            thread.join()


def data(body: bytes, **headers: str) -> Step:
    """200 with this body; `_` in a header's name stands for `-`."""
    return status(200, body, **headers)


def status(code: int, body: bytes = b"", **headers: str) -> Step:
    """A complete answer with this status; `_` in a header's name stands for `-`."""
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    said = said if code in (204, 304) else {"Content-Length": str(len(body))} | said
    return lambda handler: handler.reply(code, said, body)


def cut_off(body: bytes, promised: int) -> Step:
    """Fewer bytes than promised, and then the end of the connection."""

    def step(handler: Handler) -> None:
        handler.reply(200, {"Content-Length": str(promised)}, body)
        handler.close_connection = True

    return step


def reset(handler: Handler) -> None:
    """Reset the connection instead of answering."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_NOW)
    handler.close_connection = True
    handler.rfile.close()
    handler.connection.close()


def drip(piece: bytes, every_s: float, *, in_headers: bool, says_length: bool = True) -> Step:
    """One small piece now and then, without an end: in the headers, or in the body."""

    def step(handler: Handler) -> None:
        handler.send_response_only(200)
        if not in_headers:
            if says_length:
                handler.send_header("Content-Length", "1000000")
            handler.end_headers()
        else:
            handler.flush_headers()
        handler.close_connection = True
        while not handler.server.is_ending.wait(every_s):
            handler.wfile.write(piece)

    return step


def endless(piece: bytes, **headers: str) -> Step:
    """A body that goes on as fast as it is taken."""

    def step(handler: Handler) -> None:
        handler.close_connection = True
        handler.reply(200, {name.replace("_", "-"): value for name, value in headers.items()}, b"")
        while not handler.server.is_ending.is_set():
            handler.wfile.write(piece)

    return step
