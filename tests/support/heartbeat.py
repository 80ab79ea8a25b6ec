"""The server's application for Gunicorn, with a heartbeat that measures its event loop.

`GET /heartbeat` returns the greatest lateness, in milliseconds, since the last such request.
"""

import asyncio
from time import perf_counter
from typing import Any

from server.app import get_app

INTERVAL = 0.001


class Heartbeat:
    """An ASGI application around the server's."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._beating: asyncio.Task[None] | None = None
        self._worst = 0.0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope.get("path") != "/heartbeat":
            await self._app(scope, receive, send)
            return
        self._beating = self._beating or asyncio.create_task(self._beat())
        await asyncio.sleep(2 * INTERVAL)
        body = b"%.3f" % (self._worst * 1000)
        self._worst = 0.0
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _beat(self) -> None:
        while True:
            start = perf_counter()
            await asyncio.sleep(INTERVAL)
            self._worst = max(self._worst, perf_counter() - start - INTERVAL)


def get_measured_app() -> Heartbeat:
    return Heartbeat(get_app())
