"""The server's application, in which requests with `FATAL` kill their worker."""

import os
import signal
from pathlib import Path

from falcon.asgi import App, Request, Response

from server import app

FATAL = {"X-Fatal": "yes"}
KILLS_VARIABLE = "FATAL_APPLICATION_KILLS"  # a file that gets a line for each killed worker


class FatalMiddleware:
    """Kills the process that receives a request with `FATAL`."""

    async def process_request(self, req: Request, _: Response) -> None:
        if req.get_header("X-Fatal"):
            _die()


def _die() -> None:
    with Path(os.environ[KILLS_VARIABLE]).open("a", encoding="ascii") as kills:
        kills.write(f"{os.getpid()}\n")
    os.kill(os.getpid(), signal.SIGKILL)


def get_app() -> App:  # type: ignore[type-arg]
    """Builds the application; each Gunicorn worker calls it."""
    application = app.get_app()
    assert isinstance(application, App)
    application.add_middleware(FatalMiddleware())
    return application
