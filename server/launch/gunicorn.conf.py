"""Gunicorn's settings. Under supervisord the option `--bind fd://0` replaces the address."""  # noqa: N999  # Gunicorn's default name

import gc
import os
from collections.abc import Callable
from functools import partial
from typing import Any

from gunicorn import arbiter

from server.launch.capacity import default_workers
from server.launch.logs import CONFIGURATION
from server.launch.runtime_directory import this_runtime
from server.processes import MONOTONIC, blocked_stop_signals
from server.settings import load_settings

_settings = load_settings().server
_runtime = this_runtime()

bind = _settings.address.netloc
workers = _settings.workers or default_workers()
worker_class = "server.http.worker.Worker"
timeout = 30  # seconds without a heartbeat after which a worker is replaced
graceful_timeout = 30  # seconds for open requests at a stop; less than supervisord's stopwaitsecs
# Seconds; longer than Nginx's 60 s for idle connections, so that Nginx closes them first.
keepalive = 75
preload_app = False  # ONNX Runtime sessions must be created after the fork
control_socket_disable = True
logconfig_dict = CONFIGURATION
# The heartbeat of a worker is a file: in memory, it does not depend on a slow disk.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108  # tmpfs


def on_starting(server: Any) -> None:
    """Gunicorn's hook: the master starts."""
    arbiter.time = MONOTONIC  # for the time that open requests have at a stop
    server.spawn_worker = partial(_start_worker, server.log, server.spawn_worker)


def _start_worker(log: Any, spawn_worker: Callable[[], None]) -> None:
    """Forks a worker; if that fails, the master goes on, and tries again after a second."""
    try:
        # Until it has handlers of its own, a worker would lose a signal.
        with blocked_stop_signals():
            spawn_worker()
    except OSError as error:
        log.error("a worker cannot be started: %s", error)  # noqa: TRY400  # expected


def when_ready(server: Any) -> None:
    """Gunicorn's hook: the master is ready for signals."""
    if _runtime:
        _runtime.set_gunicorn(server.pid)


def post_worker_init(worker: Any) -> None:  # noqa: ARG001  # Gunicorn passes it
    """Gunicorn's hook: a worker has loaded the application.

    Garbage collections omit what is loaded now. With it a full one takes 30 ms on the event loop.
    """
    gc.collect()
    gc.freeze()


def child_exit(server: Any, worker: Any) -> None:  # noqa: ARG001  # Gunicorn passes both
    """Gunicorn's hook: a worker has ended."""
    if _runtime:
        _runtime.forget(worker.pid)
