"""A second Nginx before the server, which strips a path prefix; as docs/operations.md shows it."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.harness import DEADLINE, free_port, wait_until

CONFIGURATION = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    keepalive_timeout 0;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
{location}
    }}
}}
"""


@contextmanager
def outer_nginx(nginx: Path, folder: Path, location: str) -> Iterator[str]:
    """Runs it with a block `location`; yields its address."""
    port = free_port()
    file = folder / "nginx.conf"
    text = CONFIGURATION.format(folder=folder, port=port, location=location)
    file.write_text(text, encoding="utf-8")
    with subprocess.Popen([nginx, "-p", folder, "-c", file, "-e", "stderr"]) as process:
        try:
            wait_until(lambda: _listens(port) or process.poll() is not None, "the second Nginx")
            assert process.poll() is None
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(DEADLINE)


def _listens(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0
