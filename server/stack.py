"""The stack as it runs in production: supervisord over Gunicorn and Nginx; or Gunicorn alone."""

import errno
import os
import shutil
import string
import sys
import tempfile
from pathlib import Path

from configuration import ROOT
from server.address import Address
from server.cores import usable_cores
from server.foreground import run_in_foreground
from server.settings import Settings

# Debian keeps Nginx where the PATH of an ordinary user does not lead.
NGINX_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin"])
IDLE_CONNECTIONS = 16  # that each Nginx process keeps open to the workers
TRIES = IDLE_CONNECTIONS + 4  # how often Nginx sends a request before it gives up
UNQUOTABLE = frozenset('$"\\\n')
LONGEST_SOCKET_PATH = 107  # bytes, a limit of Linux


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
        StackError: the address or the runtime directory cannot be used.
    """
    address = Address(settings.server.host, settings.server.port)
    _check_free(address)
    if nginx is None:
        return run_in_foreground(_gunicorn_command(), dict(os.environ), address)
    with _runtime_directory(settings.server.runtime_directory) as folder:
        runtime = Path(folder)
        configuration = render_nginx_configuration(settings, runtime)
        (runtime / "nginx.conf").write_text(configuration, encoding="utf-8")
        return run_in_foreground(_supervisord_command(), _environment(runtime, nginx), address)


def render_nginx_configuration(settings: Settings, runtime: Path) -> str:
    """The text of nginx.conf; `runtime` is the folder of the socket and all that Nginx writes."""
    server = settings.server
    template = (ROOT / "nginx" / "nginx.conf.template").read_text(encoding="utf-8")
    models, page = settings.models.directory.resolve(), ROOT / "clients" / "web" / "dist"
    for path in (models, page, runtime):
        if set(str(path)) & UNQUOTABLE:
            raise StackError(f"Nginx cannot be given the path {path}: it holds $, a quote or \\")
    return _NginxTemplate(template).substitute(
        # Without this line Nginx started as root gives up the rights to reach the socket.
        user="user root;" if os.geteuid() == 0 else "",
        cores=usable_cores(),
        runtime=runtime,
        page=page,
        models=models,
        upstream="\n".join([f'        server "unix:{_socket_path(runtime)}" max_fails=0;'] * TRIES),
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


def _runtime_directory(parent: Path | None) -> tempfile.TemporaryDirectory[str]:
    try:
        if parent:
            parent.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(prefix="speech-emotion-", dir=parent)
    except OSError as error:
        raise StackError(f"Cannot make a runtime directory: {error}") from error
    socket = _socket_path(Path(folder.name))
    if len(os.fsencode(socket)) > LONGEST_SOCKET_PATH:
        folder.cleanup()
        raise StackError(
            f"The path of the socket, {socket}, is longer than {LONGEST_SOCKET_PATH} bytes; "
            "set a shorter runtime_directory"
        )
    return folder


def _socket_path(runtime: Path) -> Path:
    return runtime / "gunicorn.sock"


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


def _environment(runtime: Path, nginx: Path) -> dict[str, str]:
    """What supervisord.conf expands."""
    return os.environ | {
        "STACK_PYTHON": sys.executable,
        "STACK_RUNTIME": str(runtime),
        "STACK_SOCKET": str(_socket_path(runtime)),
        "STACK_NGINX": str(nginx),
    }
