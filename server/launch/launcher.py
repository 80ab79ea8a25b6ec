"""The stack as it runs in production: supervisord over Gunicorn and Nginx; or Gunicorn alone."""

import contextlib
import errno
import os
import resource
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from configuration import CONFIG_VARIABLE, ROOT
from server.http.key_files import KeyFileError, keep_keys, read_keys
from server.launch.address import Address
from server.launch.nginx import NginxError, find_lua_modules, render
from server.launch.nginx_needed import START_MESSAGE, check_usable_without_nginx
from server.launch.process_tree import run_in_foreground
from server.launch.runtime_directory import NGINX_VARIABLE, VARIABLE, Runtime, make_runtime
from server.models.releases import ReleaseError, ReleaseStore, make_state_directory
from server.settings import (
    ModelSettings,
    ServerSettings,
    Settings,
    check_files,
    settings_text,
)

# Debian keeps Nginx where the PATH of an ordinary user does not lead.
NGINX_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin"])
APPLICATION = "server.app:get_app()"
NO_LUA = (
    "Nginx has no Lua module: a client may take as long as it likes to send a body, as long as it "
    "does not pause. To have it: sudo apt-get install libnginx-mod-http-lua, then start again"
)


class StackError(Exception):
    """The stack cannot be started; the message says why and what helps."""


def find_nginx() -> Path | None:
    """The Nginx executable, if there is one."""
    found = shutil.which("nginx", path=NGINX_PATH)
    return Path(found) if found else None


def run(settings: Settings, nginx: Path | None, application: str = APPLICATION) -> int:
    """Starts the stack, or Gunicorn alone where `nginx` is None, and stays until it ends.

    application: what Gunicorn imports.

    Returns the exit status: 0 after SIGINT or SIGTERM, 1 where the stack ended by itself.

    Raises:
        SettingError: a file that the settings name is not there, or a setting needs Nginx.
        StackError: the address or the keys cannot be used.
        RuntimeDirectoryError: the runtime directory cannot be used.
        ReleaseError: the models cannot be copied, or another server has their state directory.
    """
    server = settings.server
    if nginx is None:
        check_usable_without_nginx(server)
    check_files(server)
    address = Address(server.host, server.port)
    _check_free(address)
    if server.operator_port:
        _check_free(Address(server.operator_host, server.operator_port))
    _allow_open_files()
    _work_in_batches()
    with make_runtime(server.runtime_directory) as folder:
        runtime = Runtime(Path(folder))
        with holding_models(settings.models, runtime):
            _keep_keys(server, runtime)
            runtime.settings.write_text(settings_text(settings), encoding="utf-8")
            environment = _environment(runtime, nginx, application)
            if nginx is None:
                print(START_MESSAGE, flush=True)
                return run_in_foreground(_gunicorn_command(application), environment, address)
            _configure_nginx(server, runtime, nginx)
            return run_in_foreground(_supervisord_command(), environment, address, server.tls)


def _keep_keys(server: ServerSettings, runtime: Runtime) -> None:
    """Keeps the keys for workers that start while their file cannot be read."""
    if not server.api_keys_path:
        return
    try:
        keep_keys(read_keys(server.api_keys_path), runtime.keys)
    except KeyFileError as error:
        raise StackError(f"[server] api_keys_path: {error}") from None


def _configure_nginx(server: ServerSettings, runtime: Runtime, nginx: Path) -> None:
    lua_modules = find_lua_modules(nginx)
    if not lua_modules:
        print(NO_LUA, flush=True)
    try:
        configuration = render(server, runtime, lua_modules)
    except NginxError as error:
        raise StackError(str(error)) from None
    runtime.nginx_configuration.write_text(configuration, encoding="utf-8")


def _allow_open_files() -> None:
    """Every connection is an open file: as many as this user may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _work_in_batches() -> None:
    """Keeps the server's processes from interrupting each other; they inherit it.

    PERF: where Nginx and a worker share a core each of them does all that waits for it, and not
    one request in turn. See docs/decisions/processes.md.
    """
    with contextlib.suppress(OSError):  # a sandbox may not allow it
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


@contextlib.contextmanager
def holding_models(settings: ModelSettings, runtime: Runtime) -> Iterator[None]:
    """Keeps the state directory of the models, with a release in it that can be served.

    It is what the last activation chose, or else a copy of the models' directory, good or bad:
    the workers verify it, and say what is wrong.
    """
    if settings.state_directory:
        make_state_directory(settings.state_directory)
        runtime.state.symlink_to(settings.state_directory.absolute())
    store = ReleaseStore(runtime.state)
    with store.held(runtime.path):
        activated = store.activated
        if activated:
            store.restore(activated, store.previous)
        else:
            with store.staged(settings.directory, settings.maximum_file_bytes) as staged:
                if staged.faults:
                    file, reason = next(iter(staged.faults.items()))
                    raise ReleaseError(f"{settings.directory / file} {reason}")
                store.restore(store.publish(staged))
        store.prune()
        yield


def _check_free(address: Address) -> None:
    try:
        address.check_free()
    except OSError as error:
        reason = str(error.strerror).partition(" (while")[0]  # Python names the address again
        hint = ". Another port: PORT=8081 make run" if error.errno == errno.EADDRINUSE else ""
        raise StackError(f"Cannot listen on {address.netloc}: {reason}{hint}") from error


def _gunicorn_command(application: str) -> list[str]:
    return [sys.executable, "-m", "gunicorn", "-c", "server/launch/gunicorn.conf.py", application]


def _supervisord_command() -> list[str]:
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(ROOT / "supervisord.conf")]
    # supervisord warns where it runs as root without having been told to.
    return [*command, "-u", "root"] if os.geteuid() == 0 else command


def _environment(runtime: Runtime, nginx: Path | None, application: str) -> dict[str, str]:
    """What supervisord.conf expands, and what leads the processes to the runtime directory.

    They read the settings that the server was started with, so that a reload is the same server.
    """
    return os.environ | {
        CONFIG_VARIABLE: str(runtime.settings),
        VARIABLE: str(runtime.path),
        "STACK_PYTHON": sys.executable,
        "STACK_SOCKET": str(runtime.socket),
        "STACK_APPLICATION": application,
        NGINX_VARIABLE: str(nginx or ""),
    }
