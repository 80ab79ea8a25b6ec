"""The Gunicorn worker: uvicorn's, reduced to what this server needs on a request's way."""

import os
import signal
import time
from typing import Any, ClassVar

from uvicorn_worker import UvicornWorker

from server.http.connection_limits import Guard
from server.http.protocol import Outbox, Protocol
from server.launch.runtime_directory import stands_alone
from server.settings import load_settings

# Longer than supervisord needs to start a new master: until then the orphans answer.
SECONDS_WITHOUT_MASTER = 5.0
HEADER_LINES = 4  # of the greatest length, as Nginx counts them


class Worker(UvicornWorker):  # type: ignore[misc]  # it ships no types
    """Serves an ASGI app on uvloop and httptools, and does not outlive its master for long."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "uvloop",
        "http": Protocol,
        "ws": "none",
        "lifespan": "off",
        "interface": "asgi3",
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "timeout_notify": 1,  # seconds between two calls of callback_notify
    }
    _orphan_since: float | None = None
    _guard: Guard | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        members: dict[str, Any] = {"outbox": Outbox()}
        if stands_alone():
            settings = load_settings().server
            self._guard = Guard(settings, self.cfg.workers)
            members["guard"] = self._guard
            members["maximum_header_bytes"] = HEADER_LINES * settings.maximum_header_line_bytes
        self.config.http = type("WorkerProtocol", (Protocol,), members)

    async def callback_notify(self) -> None:
        """Tells the master that this worker lives; ends the worker where the master does not."""
        self.notify()
        if self._guard:
            self._guard.cut_off_the_slow(time.monotonic())
        if os.getppid() == self.ppid:
            return
        now = time.monotonic()
        if self._orphan_since is None:
            self._orphan_since = now
        elif now - self._orphan_since >= SECONDS_WITHOUT_MASTER:
            os.kill(os.getpid(), signal.SIGTERM)
