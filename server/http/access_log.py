"""The access log of a worker: lines that are written together, as Nginx writes its own."""

import asyncio
import atexit
import os

LONGEST_PART = 4_096  # bytes; what is no longer is written as a whole, so that lines never mix
SECONDS_LATE = 1.0


class AccessLog:
    """Writes lines to a file descriptor at most a second late, and the last ones at the end.

    PERF: a write for each line would take a fifth of an answer's time.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._part = bytearray()
        atexit.register(self.flush)

    def add(self, line: bytes) -> None:
        """Takes a line with its end."""
        if len(self._part) + len(line) > LONGEST_PART:
            self.flush()
        if not self._part:
            asyncio.get_running_loop().call_later(SECONDS_LATE, self.flush)
        self._part += line

    def flush(self) -> None:
        """Writes what there is."""
        part, self._part = self._part, bytearray()
        while part:
            del part[: os.write(self._descriptor, part)]
