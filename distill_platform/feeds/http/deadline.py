"""A deadline: after it, the connections of an attempt are cut, whatever they were waiting for.

The client's own time limits are for each piece of an answer. A server that sends a byte now and then would hold us
for ever, in the headers as much as in the body. (A TLS handshake cannot be cut; the limit for connecting holds there.)
"""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Lock, Timer
from types import TracebackType
from typing import Any, Self


class Deadline:
    """Cuts every connection that was opened within its context once `seconds` have gone by."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.is_over = False
        self._sockets: list[socket.socket] = []
        self._lock = Lock()
        self._timer = Timer(seconds, self._cut)
        self._timer.daemon = True

    def watch(self, event: str, info: dict[str, Any]) -> None:
        """Take note of a connection: the function that the HTTP client calls at every step (its `trace` extension)."""
        if event not in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            return
        with self._lock:
            self._sockets.append(info["return_value"].get_extra_info("socket"))
            if self.is_over:
                self._shut_down()

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()

    def _cut(self) -> None:
        with self._lock:
            self.is_over = True
            self._shut_down()

    def _shut_down(self) -> None:
        for connection in self._sockets:
            with suppress(OSError):  # it is closed already
                # Not its own method: that of a TLS socket would take the engine away from whoever reads right now.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
