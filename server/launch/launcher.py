"""Starts the server: supervisord over Gunicorn and Nginx, or Gunicorn alone."""

import contextlib
import errno
import os
import resource
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from configuration import CONFIG_VARIABLE, ROOT
from server.http.key_files import KeyFileError
from server.launch.capacity import affordable_workers
from server.launch.key_publisher import KeyPublisher
from server.launch.logs import log
from server.launch.nginx.build import inspect_nginx
from server.launch.nginx.configuration import NginxError, render
from server.launch.nginx.needed import START_MESSAGE, check_usable_without_nginx
from server.launch.nginx.tls_files import TlsFileError, TlsFiles
from server.launch.process_tree import exit_on_stop_signals, run_process_tree
from server.launch.running_server import undo_interrupted_activation
from server.launch.runtime_directory import NGINX_VARIABLE, RUNTIME_VARIABLE, Runtime, make_runtime
from server.launch.watcher import watching
from server.models.first_release import deploy_at_start, start_verification
from server.models.releases import ReleaseStore, make_state_directory
from server.settings import (
    Address,
    ModelSettings,
    ServerSettings,
    Settings,
    check_files,
    settings_text,
)

# Debian installs Nginx in a folder that is not in the PATH of an ordinary user.
NGINX_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin"])
SECONDS_BETWEEN_UNDOINGS = 2.0  # each that fails is logged
APPLICATION = "server.app:get_app()"
TOO_MANY_WORKERS = (
    "[server] workers: {workers} workers may need more memory than there is, during large batches "
    "or a reload; it suffices for {affordable}"
)
NO_LUA = (
    "Nginx has no Lua module: the total time and the memory of bodies and responses have no limit. "
    "To install it: sudo apt-get install libnginx-mod-http-lua, then start again"
)


class LaunchError(Exception):
    """The server cannot be started; the message gives the reason and a remedy."""


def find_nginx() -> Path | None:
    """The Nginx executable; None if it is not installed."""
    found = shutil.which("nginx", path=NGINX_PATH)
    return Path(found) if found else None


def run(settings: Settings, nginx: Path | None, application: str = APPLICATION) -> int:
    """Runs the server until it ends.

    nginx: the executable; without it Gunicorn alone serves.
    application: what Gunicorn imports.

    Returns the exit status: 0 after SIGINT or SIGTERM, 1 if the server ended by itself.

    Raises:
        SettingError: a file named in the settings does not exist, or a setting needs Nginx.
        LaunchError: the address or the keys cannot be used, or a disk is full.
        RuntimeDirectoryError: the runtime directory cannot be used.
        ReleaseError: the models cannot be copied, or another server uses their state directory.
    """
    exit_on_stop_signals()
    server = settings.server
    if nginx is None:
        check_usable_without_nginx(server)
    check_files(server)
    for address in filter(None, (server.address, server.operator_address)):
        _check_free(address)
    _raise_open_file_limit()
    _forbid_core_files()
    _use_batch_scheduling()
    _warn_of_little_memory(server)
    with make_runtime(server.runtime_directory) as folder:
        try:
            return _run_in(Runtime(Path(folder)), settings, nginx, application)
        except OSError as error:
            raise LaunchError(
                f"Cannot start with the runtime directory {folder}: {error}"
            ) from error


def _run_in(runtime: Runtime, settings: Settings, nginx: Path | None, application: str) -> int:
    server = settings.server
    with (
        prepared_models(settings.models, runtime),
        watching(_publish_keys(server, runtime)),
        watching(_keep_tls_files(server, runtime)),
        watching([partial(_undo_interrupted_activation, runtime)], SECONDS_BETWEEN_UNDOINGS),
    ):
        runtime.settings.write_text(settings_text(settings), encoding="utf-8")
        start_verification(ReleaseStore(runtime.state), runtime.settings)
        environment = _environment(runtime, nginx, application)
        if nginx is None:
            print(START_MESSAGE, flush=True)
            return run_process_tree(_gunicorn_command(application), environment, server)
        _configure_nginx(settings, runtime, nginx)
        return run_process_tree(_supervisord_command(), environment, server)


def _publish_keys(server: ServerSettings, runtime: Runtime) -> list[Callable[[], None]]:
    """Publishes the keys to the workers; returns the task that does so again after a change."""
    if not server.api_keys_path:
        return []
    publisher = KeyPublisher(server.api_keys_path, runtime.keys)
    try:
        publisher.publish()
    except (OSError, KeyFileError) as error:
        raise LaunchError(f"[server] api_keys_path: {error}") from None
    return [publisher.renew]


def _keep_tls_files(server: ServerSettings, runtime: Runtime) -> list[Callable[[], None]]:
    """Copies the TLS files for Nginx; returns the task that copies them again when they change."""
    if not server.tls:
        return []
    files = TlsFiles(server, runtime)
    try:
        files.keep()
    except TlsFileError as error:
        raise LaunchError(str(error)) from None
    return [files.renew]


def _undo_interrupted_activation(runtime: Runtime) -> None:
    """Undoes an activation whose command was killed."""
    if message := undo_interrupted_activation(runtime):
        log("warning", message)


def _warn_of_little_memory(server: ServerSettings) -> None:
    affordable = max(1, affordable_workers())
    if server.workers and server.workers > affordable:
        print(TOO_MANY_WORKERS.format(workers=server.workers, affordable=affordable), flush=True)


def _configure_nginx(settings: Settings, runtime: Runtime, nginx: Path) -> None:
    build = inspect_nginx(nginx)
    if not build.lua_modules:
        print(NO_LUA, flush=True)
    try:
        configuration = render(
            settings.server,
            runtime,
            build.lua_modules,
            build.version,
            downloads=settings.models.downloads,
        )
    except NginxError as error:
        raise LaunchError(str(error)) from None
    runtime.nginx_configuration.write_text(configuration, encoding="utf-8")


def _raise_open_file_limit() -> None:
    """Raises the soft limit of open files to the hard one: each connection is an open file."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _forbid_core_files() -> None:
    """Prevents core dumps of the processes of the server, which inherit the limit.

    SECURITY: a core dump contains what clients sent. With a limit of 1 byte the kernel neither
    writes a file nor starts a program for core dumps, which it would start with a limit of 0.
    """
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (1, 1))
    except (OSError, ValueError):  # the limit is 0 already
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _use_batch_scheduling() -> None:
    """Prevents the processes of the server, which inherit the policy, from preempting each other.

    PERF: on a shared core, Nginx and a worker each process all pending work at once instead of one
    request in turn. See docs/decisions/processes.md.
    """
    with contextlib.suppress(OSError):  # a sandbox may forbid it
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


@contextlib.contextmanager
def prepared_models(settings: ModelSettings, runtime: Runtime) -> Iterator[None]:
    """Locks the state directory of the models and chooses the releases that are served."""
    if settings.state_directory:
        make_state_directory(settings.state_directory)
        runtime.state.symlink_to(settings.state_directory.absolute())
    store = ReleaseStore(runtime.state)
    with store.server_lock(runtime.path):
        deploy_at_start(store, settings)
        yield


def _check_free(address: Address) -> None:
    try:
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        socket.create_server((address.host, address.port), family=family).close()
    except OSError as error:
        reason = str(error.strerror).partition(" (while")[0]  # Python repeats the address
        hint = ". Another port: PORT=8081 make run" if error.errno == errno.EADDRINUSE else ""
        raise LaunchError(f"Cannot listen on {address.netloc}: {reason}{hint}") from error


def _gunicorn_command(application: str) -> list[str]:
    return [sys.executable, "-m", "gunicorn", "-c", "server/launch/gunicorn.conf.py", application]


def _supervisord_command() -> list[str]:
    configuration = str(ROOT / "supervisord.conf")
    command = [sys.executable, "-m", "server.launch.supervisor", "-c", configuration]
    # As root, supervisord prints a warning without this option.
    return [*command, "-u", "root"] if os.geteuid() == 0 else command


def _environment(runtime: Runtime, nginx: Path | None, application: str) -> dict[str, str]:
    """The environment of the processes, with the variables of supervisord.conf.

    All processes read the settings that the server was started with, also after a reload.
    """
    return os.environ | {
        CONFIG_VARIABLE: str(runtime.settings),
        RUNTIME_VARIABLE: str(runtime.path),
        NGINX_VARIABLE: str(nginx or ""),
        "LAUNCHER_PYTHON": sys.executable,
        "LAUNCHER_SOCKET": str(runtime.socket),
        "LAUNCHER_APPLICATION": application,
    }
