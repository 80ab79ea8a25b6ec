"""Converts the logs of all processes to lines of JSON."""

import json
import logging
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

LONGEST_LINE = 1_048_576  # bytes; longer ones are split
# `2026-11-21 02:49:22,254 INFO text` and `2026/11/21 03:01:06 [error] 4182#4182: text`
SUPERVISORD_LINE = re.compile(r"\d{4}-\d\d-\d\d [\d:,]+ (?P<level>[A-Z]+) (?P<message>.*)")
NGINX_LINE = re.compile(r"\d{4}/\d\d/\d\d [\d:]+ \[(?P<level>\w+)\] (?P<message>.*)")
# SECURITY: the client's address and its whole request, which must not be logged.
NGINX_CLIENT = re.compile(r", client: .*")
# SECURITY: the message of an exception may quote a number that a client sent.
DECIMAL = re.compile(r"(?<![\w./])\d+(\.\d*(e[-+]?\d+)?|e[-+]?\d+)", re.IGNORECASE)
NGINX_SENDER = re.compile(r"^\d+#\d+: (\*\d+ )?")  # process, thread and connection

CONFIGURATION: dict[str, Any] = {  # of the logs of Gunicorn and its workers
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "server.launch.logs.JsonFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"level": "INFO", "handlers": ["stderr"]},
    "loggers": {
        "gunicorn.error": {"level": "INFO", "handlers": ["stderr"], "propagate": False},
    },
}


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object; `extra={"fields": {...}}` adds members to it."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without a line break."""
        members = {
            "time": _moment(record.created),
            "process": record.name.partition(".")[0],
            "pid": record.process,
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        } | getattr(record, "fields", {})
        if record.exc_info:
            members["traceback"] = DECIMAL.sub("#", self.formatException(record.exc_info))
        return json.dumps(members)


@dataclass
class _Message:
    """A message of Nginx, the time when it was written, and how often it was dropped since."""

    level: str
    text: str
    written: float
    dropped: int = 0


class _Repetitions:
    """Drops messages of Nginx that were written less than a second ago, and counts them.

    While no worker can be reached, each request would write several lines.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._recent: dict[str, _Message] = {}

    def is_new(self, level: str, text: str) -> bool:
        """Whether the message must be written; otherwise it is counted."""
        key = NGINX_SENDER.sub("", text)
        known = self._recent.get(key)
        if known:
            known.dropped += 1
        else:
            self._recent[key] = _Message(level, text, self._clock())
        return known is None

    def counted(self, seconds: float = 1.0) -> Iterator[bytes]:
        """Yields a line for each message that was dropped and is at least `seconds` old."""
        for key, message in list(self._recent.items()):
            if self._clock() - message.written < seconds:
                continue
            if message.dropped:
                text = f"{message.text} (repeated {message.dropped} times)"
                yield _line("nginx", message.level, text)
                message.written, message.dropped = self._clock(), 0
            else:
                del self._recent[key]


def json_lines(
    parts: Iterable[bytes], clock: Callable[[], float] = time.monotonic
) -> Iterator[bytes]:
    """Wraps each line in a JSON object, unless it is one; `parts` may end within a line.

    Nginx writes the same message at most once a second, with the number of its repetitions.

    clock: returns seconds.
    """
    repetitions = _Repetitions(clock)
    rest = b""
    for part in parts:
        *lines, rest = (rest + part).split(b"\n")
        if len(rest) > LONGEST_LINE:
            lines, rest = [*lines, rest], b""
        if lines:
            yield b"".join(
                [*repetitions.counted(), *(_as_json(line, repetitions) for line in lines)]
            )
    yield b"".join([_as_json(rest, repetitions) if rest else b"", *repetitions.counted(0)])


def log(level: str, message: str) -> None:
    """Writes a line of the launcher's process."""
    sys.stdout.buffer.write(_line("server", level, message))
    sys.stdout.buffer.flush()


def _as_json(line: bytes, repetitions: _Repetitions) -> bytes:
    """The line as JSON, with a line break; empty if it repeats a message of Nginx."""
    if line.startswith(b"{"):
        return line + b"\n"
    text = line.decode(errors="replace")
    if match := SUPERVISORD_LINE.match(text):
        return _line("supervisord", match["level"].lower(), match["message"])
    if match := NGINX_LINE.match(text):
        message = NGINX_CLIENT.sub("", match["message"])
        is_new = repetitions.is_new(match["level"], message)
        return _line("nginx", match["level"], message) if is_new else b""
    return _line("server", "info", text)


def _line(process: str, level: str, message: str) -> bytes:
    members = {"time": _moment(time.time()), "process": process, "level": level, "message": message}
    return json.dumps(members).encode() + b"\n"


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
