"""The server's application, which records how long its event loop has been held.

Usage, as `python -m server run`: python -m tests.support.loop_delays
"""

import asyncio
import os
import sys
from pathlib import Path
from time import monotonic, process_time
from typing import Any

from falcon.asgi import App, Request, Response

from server import app
from server.launch.launcher import find_nginx, run
from server.settings import load_settings

FOLDER_VARIABLE = "LOOP_DELAYS"  # a folder; each worker writes its longest delay in seconds
COMMAND = (sys.executable, "-m", "tests.support.loop_delays")
SECONDS_BETWEEN_BEATS = 0.002


class Heartbeat:
    """Wakes up every two milliseconds, and records by how much that was late.

    A delay while the process does not compute is that of a busy machine, and is not counted.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._task: asyncio.Task[None] | None = None

    async def process_request(self, _: Request, __: Response) -> None:
        """Starts the heartbeat with the first request of a worker."""
        if self._task is None:
            self._task = asyncio.create_task(self._beat())

    async def _beat(self) -> None:
        longest = 0.0
        while True:
            moment, computed = monotonic(), process_time()
            await asyncio.sleep(SECONDS_BETWEEN_BEATS)
            late = monotonic() - moment - SECONDS_BETWEEN_BEATS
            delay = min(late, process_time() - computed)
            if delay > longest:
                longest = delay
                self._file.write_text(str(longest), encoding="ascii")


def longest_delay(folder: Path) -> float:
    """The longest delay of all workers in seconds; 0 if none has had a request."""
    return max((float(file.read_text()) for file in folder.iterdir()), default=0.0)


def get_app() -> App[Any, Any]:
    """Builds the application; each Gunicorn worker calls it."""
    application = app.get_app()
    assert isinstance(application, App)
    heartbeat = Heartbeat(Path(os.environ[FOLDER_VARIABLE]) / str(os.getpid()))
    application.add_middleware(heartbeat)
    return application


if __name__ == "__main__":
    sys.exit(run(load_settings(), find_nginx(), "tests.support.loop_delays:get_app()"))
