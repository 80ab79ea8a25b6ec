"""The stack as it runs in production: supervisord over Gunicorn and Nginx; or Gunicorn alone."""

import contextlib
import errno
import os
import shutil
import string
import sys
from collections.abc import Iterator
from pathlib import Path

from configuration import CONFIG_VARIABLE, ROOT
from server.address import Address
from server.cores import usable_cores
from server.foreground import run_in_foreground
from server.releases import ReleaseError, ReleaseStore, make_state_directory
from server.runtime import VARIABLE, Runtime, make_runtime
from server.settings import ModelSettings, Settings, settings_text

# Debian keeps Nginx where the PATH of an ordinary user does not lead.
NGINX_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin"])
IDLE_CONNECTIONS = 16  # that each Nginx process keeps open to the workers
TRIES = IDLE_CONNECTIONS + 4  # how often Nginx sends a request before it gives up
UNQUOTABLE = frozenset('$"\\\n')


class StackError(Exception):
    """The stack cannot be started; the message says why and what helps."""


class _NginxTemplate(string.Template):
    delimiter = "@"


def find_nginx() -> Path | None:
    """The Nginx executable, if there is one."""
    found = shutil.which("nginx", path=NGINX_PATH)
    return Path(found) if found else None


def run(settings: Settings, nginx: Path | None) -> int:
    """Starts the stack, or Gunicorn alone where `nginx` is None, and stays until it ends.

    Returns the exit status: 0 after SIGINT or SIGTERM, 1 where the stack ended by itself.

    Raises:
        StackError: the address cannot be used.
        RuntimeDirectoryError: the runtime directory cannot be used.
        ReleaseError: the models cannot be copied, or another server has their state directory.
    """
    address = Address(settings.server.host, settings.server.port)
    _check_free(address)
    with make_runtime(settings.server.runtime_directory) as folder:
        runtime = Runtime(Path(folder))
        with holding_models(settings.models, runtime):
            runtime.settings.write_text(settings_text(settings), encoding="utf-8")
            environment = _environment(runtime, nginx)
            if nginx is None:
                return run_in_foreground(_gunicorn_command(), environment, address)
            configuration = render_nginx_configuration(settings, runtime)
            runtime.nginx_configuration.write_text(configuration, encoding="utf-8")
            return run_in_foreground(_supervisord_command(), environment, address)


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


def render_nginx_configuration(settings: Settings, runtime: Runtime) -> str:
    """The text of nginx.conf; `runtime` is where the socket is and all that Nginx writes."""
    server = settings.server
    template = (ROOT / "nginx" / "nginx.conf.template").read_text(encoding="utf-8")
    page = ROOT / "clients" / "web" / "dist"
    for path in (page, runtime.path):
        if set(str(path)) & UNQUOTABLE:
            raise StackError(f"Nginx cannot be given the path {path}: it holds $, a quote or \\")
    return _NginxTemplate(template).substitute(
        # Without this line Nginx started as root gives up the rights to reach the socket.
        user="user root;" if os.geteuid() == 0 else "",
        cores=usable_cores(),
        runtime=runtime.path,
        page=page,
        models=runtime.state,
        upstream="\n".join([f'        server "unix:{runtime.socket}" max_fails=0;'] * TRIES),
        idle_connections=IDLE_CONNECTIONS,
        listen=Address(server.host, server.port).netloc,
        maximum_body_bytes=server.maximum_body_bytes,
        maximum_body_bytes_in_words=f"{server.maximum_body_bytes:,}",
    )


def _check_free(address: Address) -> None:
    try:
        address.check_free()
    except OSError as error:
        reason = str(error.strerror).partition(" (while")[0]  # Python names the address again
        hint = ". Another port: PORT=8081 make run" if error.errno == errno.EADDRINUSE else ""
        raise StackError(f"Cannot listen on {address.netloc}: {reason}{hint}") from error


def _gunicorn_command() -> list[str]:
    return [
        sys.executable,
        "-m",
        "gunicorn",
        "-c",
        "server/gunicorn.conf.py",
        "server.app:get_app()",
    ]


def _supervisord_command() -> list[str]:
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(ROOT / "supervisord.conf")]
    # supervisord warns where it runs as root without having been told to.
    return [*command, "-u", "root"] if os.geteuid() == 0 else command


def _environment(runtime: Runtime, nginx: Path | None) -> dict[str, str]:
    """What supervisord.conf expands, and what leads the processes to the runtime directory.

    They read the settings that the server was started with, so that a reload is the same server.
    """
    return os.environ | {
        CONFIG_VARIABLE: str(runtime.settings),
        VARIABLE: str(runtime.path),
        "STACK_PYTHON": sys.executable,
        "STACK_SOCKET": str(runtime.socket),
        "STACK_NGINX": str(nginx or ""),
    }
