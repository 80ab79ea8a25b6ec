"""Gunicorn's settings. Under supervisord `--bind fd://0` replaces the address."""  # noqa: N999  # the name that Gunicorn gives it

import os
from typing import Any

from server.launch.address import Address
from server.launch.capacity import default_workers
from server.launch.logs import CONFIGURATION
from server.launch.runtime_directory import this_runtime
from server.settings import load_settings

_settings = load_settings().server
_runtime = this_runtime()

bind = Address(_settings.host, _settings.port).netloc
workers = _settings.workers or default_workers()
worker_class = "server.http.worker.Worker"
timeout = 30  # seconds that a worker may hang before it is replaced
graceful_timeout = 30  # seconds that open requests get at the end; below supervisord.conf's
# Seconds; longer than Nginx keeps an idle connection, 60 s, so that Nginx closes first.
keepalive = 75
preload_app = False  # ONNX Runtime sessions must be made after the fork
control_socket_disable = True
logconfig_dict = CONFIGURATION
# A worker's sign of life is a file: on a disk it could hang with the disk.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108  # tmpfs


def when_ready(server: Any) -> None:
    """Gunicorn's hook: the master takes signals from now on."""
    if _runtime:
        _runtime.set_gunicorn(server.pid)


def child_exit(server: Any, worker: Any) -> None:  # noqa: ARG001  # Gunicorn gives both
    """Gunicorn's hook: a worker has ended."""
    if _runtime:
        _runtime.forget(worker.pid)
