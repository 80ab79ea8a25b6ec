"""A port of loopback on which a test answers."""

import socketserver
import threading
from typing import Self

POLL = 0.02  # seconds; a listener stops this quickly


class Listener:
    """Handles each connection in a thread of its own while its context is open.

    url: where it listens.
    stopped: set when the context ends; a handler that sends without an end looks at it.
    """

    def __init__(self, handler: type[socketserver.BaseRequestHandler]) -> None:
        self.stopped = threading.Event()
        self._server = _Server(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
