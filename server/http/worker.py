"""The Gunicorn worker: uvicorn's, without the features that this server does not use."""

import math
import os
import signal
import sys
import time
from typing import Any, ClassVar

from uvicorn_worker import UvicornWorker

from server.http.protocol import HttpProtocol
from server.http.transport import WriteCoalescer
from server.processes import GUNICORN_STOP_SIGNALS

# Longer than supervisord needs to start a new master; until then the orphaned workers answer.
SECONDS_WITHOUT_MASTER = 5.0
SECONDS_AFTER_FAILED_START = 1.0


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
        # callback_notify is called each second. uvicorn compares this number of seconds with the
        # clock of the system, which may be set back.
        "timeout_notify": -math.inf,
    }
    _orphan_since: float | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # uvicorn creates the protocol objects itself, so the class carries what they share.
        self.config.http = type("WorkerProtocol", (HttpProtocol,), {"coalescer": WriteCoalescer()})

    def init_process(self) -> None:
        """Starts the worker.

        Gunicorn ends all workers if one cannot start. That is right for the first ones, but a
        replacement may fail for a moment, for want of a thread or of memory, while others serve.
        """
        try:
            super().init_process()
        except Exception:
            if self.booted or self.age <= self.cfg.workers:
                raise
            self.log.exception("a worker cannot be started")
            time.sleep(SECONDS_AFTER_FAILED_START)
            sys.exit(1)

    def init_signals(self) -> None:
        """Sets the handlers, and admits the signals that were blocked for the fork."""
        super().init_signals()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, GUNICORN_STOP_SIGNALS)

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
