"""The server's application, with the logs at their most verbose setting."""

import logging

from server import app
from server.http.canary import Application


def get_app() -> Application:
    """Builds the application; each Gunicorn worker calls it."""
    names = [None, *logging.root.manager.loggerDict]
    for name in names:
        logging.getLogger(name).setLevel(1)
    return app.get_app()
