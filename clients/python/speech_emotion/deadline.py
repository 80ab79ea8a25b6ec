"""Ends a request when its time is over, whatever the server sends meanwhile."""

import socket
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from urllib3.connection import HTTPConnection, HTTPSConnection


class Deadline:
    """A time limit for one request with its repetitions; shuts down its connection at the end.

    A time-out of a socket is not enough: each byte that arrives starts it anew.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._handle: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True

    @property
    def remaining(self) -> float:
        """Seconds until the end; 0 or less if the time is over."""
        return self._end - time.monotonic()

    def watch(self, connected: socket.socket | None) -> None:
        """Sets the connection that is shut down at the end."""
        # A duplicate, because TLS and the response take the socket over.
        handle = connected and socket.fromfd(connected.fileno(), connected.family, connected.type)
        with self._lock:
            if self._handle:
                self._handle.close()
            self._handle = handle
        if self.remaining <= 0:
            self._expire()

    def _expire(self) -> None:
        with self._lock, suppress(OSError):
            if self._handle:
                self._handle.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        self.watch(None)


class Current(threading.local):
    """The deadline of the request that a thread is making."""

    deadline: Deadline | None = None


class _WatchedConnection(HTTPConnection):
    current: Current

    def _new_conn(self) -> socket.socket:
        connected = super()._new_conn()
        self._watch(connected)
        return connected

    def request(self, *arguments: Any, **options: Any) -> None:
        if self.sock:  # the connection is used again
            self._watch(self.sock)
        super().request(*arguments, **options)

    def _watch(self, connected: socket.socket) -> None:
        if self.current.deadline:
            self.current.deadline.watch(connected)


class _WatchedTlsConnection(_WatchedConnection, HTTPSConnection):
    pass


def connection_class(scheme: str, current: Current) -> type[HTTPConnection]:
    """The class of connections of urllib3 that obey the current deadline."""
    base = _WatchedTlsConnection if scheme == "https" else _WatchedConnection
    return type(base.__name__, (base,), {"current": current})
