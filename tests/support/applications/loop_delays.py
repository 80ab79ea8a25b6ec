"""The server's application, which records how long its event loop has been held.

Usage, as `python -m server run`: python -m tests.support.applications.loop_delays
"""

import asyncio
import mmap
import os
import struct
import sys
from pathlib import Path
from time import monotonic, process_time
from typing import Any

from falcon.asgi import App, Request, Response

from server import app
from server.launch.launcher import find_nginx, run
from server.settings import load_settings

FOLDER_VARIABLE = "LOOP_DELAYS"  # a folder with a file of each worker
APPLICATION = "tests.support.applications.loop_delays:get_app()"
COMMAND = (sys.executable, "-m", "tests.support.applications.loop_delays")
SECONDS_BETWEEN_BEATS = 0.001
SECONDS = struct.Struct("d")


class Delay:
    """The longest delay of one event loop, in a file that two processes map."""

    def __init__(self, file: Path) -> None:
        if not file.exists():
            file.write_bytes(SECONDS.pack(0.0))
        with file.open("r+b") as opened:
            self._map = mmap.mmap(opened.fileno(), SECONDS.size)

    @property
    def seconds(self) -> float:
        return float(SECONDS.unpack_from(self._map)[0])

    @seconds.setter
    def seconds(self, value: float) -> None:
        SECONDS.pack_into(self._map, 0, value)


class Heartbeat:
    """Wakes up every millisecond, and records by how much that was late.

    A delay while the process does not compute is that of a busy machine, and is not counted.
    """

    def __init__(self, delay: Delay) -> None:
        self._delay = delay
        self._task: asyncio.Task[None] | None = None

    async def process_request(self, _: Request, __: Response) -> None:
        """Starts the heartbeat with the first request of a worker."""
        if self._task is None:
            self._task = asyncio.create_task(self._beat())

    async def _beat(self) -> None:
        while True:
            moment, computed = monotonic(), process_time()
            await asyncio.sleep(SECONDS_BETWEEN_BEATS)
            late = monotonic() - moment - SECONDS_BETWEEN_BEATS
            held = min(late, process_time() - computed)
            self._delay.seconds = max(held, self._delay.seconds)


def longest_delay(folder: Path) -> float:
    """The longest delay of all workers in seconds; 0 if none has had a request."""
    return max((Delay(file).seconds for file in folder.iterdir()), default=0.0)


def forget_delays(folder: Path) -> None:
    for file in folder.iterdir():
        Delay(file).seconds = 0.0


def get_app() -> App[Any, Any]:
    """Builds the application; each Gunicorn worker calls it."""
    application = app.get_app()
    assert isinstance(application, App)
    delay = Delay(Path(os.environ[FOLDER_VARIABLE]) / str(os.getpid()))
    application.add_middleware(Heartbeat(delay))
    return application


if __name__ == "__main__":
    sys.exit(run(load_settings(), find_nginx(), APPLICATION))
