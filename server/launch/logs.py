"""Converts the logs of all processes to lines of JSON."""

import json
import logging
import re
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

LONGEST_LINE = 1_048_576  # bytes; longer ones are split
# `2026-11-21 02:49:22,254 INFO text` and `2026/11/21 03:01:06 [error] 4182#4182: text`
SUPERVISORD_LINE = re.compile(r"\d{4}-\d\d-\d\d [\d:,]+ (?P<level>[A-Z]+) (?P<message>.*)")
NGINX_LINE = re.compile(r"\d{4}/\d\d/\d\d [\d:]+ \[(?P<level>\w+)\] (?P<message>.*)")
# SECURITY: the client's address and its whole request, which must not be logged.
NGINX_CLIENT = re.compile(r", client: .*")

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
            members["traceback"] = self.formatException(record.exc_info)
        return json.dumps(members)


def json_lines(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Wraps each line in a JSON object, unless it is one; `parts` may end within a line."""
    rest = b""
    for part in parts:
        *lines, rest = (rest + part).split(b"\n")
        if len(rest) > LONGEST_LINE:
            lines, rest = [*lines, rest], b""
        if lines:
            yield b"".join([_as_json(line) + b"\n" for line in lines])
    if rest:
        yield _as_json(rest) + b"\n"


def log(level: str, message: str) -> None:
    """Writes a line of the launcher's process."""
    sys.stdout.buffer.write(_line("server", level, message) + b"\n")
    sys.stdout.buffer.flush()


def _as_json(line: bytes) -> bytes:
    if line.startswith(b"{"):
        return line
    text = line.decode(errors="replace")
    for process, pattern in (("supervisord", SUPERVISORD_LINE), ("nginx", NGINX_LINE)):
        if match := pattern.match(text):
            message = NGINX_CLIENT.sub("", match["message"])
            return _line(process, match["level"].lower(), message)
    return _line("server", "info", text)


def _line(process: str, level: str, message: str) -> bytes:
    members = {"time": _moment(time.time()), "process": process, "level": level, "message": message}
    return json.dumps(members).encode()


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
