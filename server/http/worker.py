"""The Gunicorn worker: uvicorn's, without the features that this server does not use."""

import os
import signal
import time
from typing import Any, ClassVar

from uvicorn_worker import UvicornWorker

from server.http.protocol import HttpProtocol
from server.http.transport import WriteCoalescer

# Longer than supervisord needs to start a new master; until then the orphaned workers answer.
SECONDS_WITHOUT_MASTER = 5.0


class Worker(UvicornWorker):  # type: ignore[misc]  # it ships no types
    """Serves an ASGI application with uvloop and httptools; ends soon after its master."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "uvloop",
        "http": HttpProtocol,
        "ws": "none",
        "lifespan": "off",
        "interface": "asgi3",
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "timeout_notify": 1,  # seconds between two calls of callback_notify
    }
    _orphan_since: float | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # uvicorn creates the protocol objects itself, so the class carries what they share.
        self.config.http = type("WorkerProtocol", (HttpProtocol,), {"coalescer": WriteCoalescer()})

    async def callback_notify(self) -> None:
        """Sends the heartbeat to the master; stops the worker if the master has died."""
        self.notify()
        if os.getppid() == self.ppid:
            return
        now = time.monotonic()
        if self._orphan_since is None:
            self._orphan_since = now
        elif now - self._orphan_since >= SECONDS_WITHOUT_MASTER:
            os.kill(os.getpid(), signal.SIGTERM)
