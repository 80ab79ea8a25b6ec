"""Reads the access log in a server's output."""

import json
from typing import Any

from tests.support.harness import Server, wait_until


def find_request(server: Server, request_id: str) -> dict[str, Any]:
    """Waits for the access log's line of a request; returns its fields."""
    marks = (f'"request_id":"{request_id}"', '"status"')

    def lines() -> list[str]:
        return [line for line in server.lines if all(mark in line for mark in marks)]

    wait_until(lambda: bool(lines()), f"{request_id} in the log")
    (line,) = lines()
    found: dict[str, Any] = json.loads(line)
    return found
