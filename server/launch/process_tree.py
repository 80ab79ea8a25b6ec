"""Keeps a server and all its processes in the foreground, from the first to the last of them."""

import ctypes
import http.client
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import IO

from configuration import ROOT
from server.launch.address import Address
from server.launch.logs import json_lines

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SECONDS_BETWEEN_PROBES = 0.05
BYTES_AT_ONCE = 65_536


def run_in_foreground(
    command: Sequence[str], environment: Mapping[str, str], address: Address, tls: bool = False
) -> int:
    """Runs `command` from the project's folder until it ends and none of its processes is left.

    Says in one line when `address` answers. SIGINT, SIGTERM and SIGHUP stop the server.

    Returns the exit status: 0 after such a signal, 1 where the server ended by itself.
    """
    stopped = threading.Event()
    server: subprocess.Popen[bytes] | None = None

    def stop(*_: int | FrameType | None) -> None:
        stopped.set()
        if server:
            _signal(server.pid, signal.SIGTERM)

    for number in STOP_SIGNALS:
        signal.signal(number, stop)
    _adopt_orphans()
    server = _start(command, environment)
    if stopped.is_set():
        stop()
    assert server.stdout is not None
    output = threading.Thread(target=_copy_output, args=(server.stdout, server.pid), daemon=True)
    output.start()
    threading.Thread(target=_announce, args=(address, tls), daemon=True).start()
    _wait_for_all(server.pid)
    output.join()
    return 0 if stopped.is_set() else 1


def _start(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        # A pipe can be opened again as /dev/stdout; a socket or another user's terminal cannot.
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
        process_group=0,  # a terminal's Ctrl-C reaches this process alone, which passes it on
    )


def _adopt_orphans() -> None:
    """Makes this process the parent of every descendant whose own parent dies."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def _copy_output(source: IO[bytes], server: int) -> None:
    """Passes the output on as lines of JSON; stops the server where nobody reads it any more."""
    parts = iter(lambda: source.read(BYTES_AT_ONCE), b"")
    try:
        for lines in json_lines(parts):
            sys.stdout.buffer.write(lines)
            sys.stdout.buffer.flush()
    except BrokenPipeError:
        _signal(server, signal.SIGTERM)


def _announce(address: Address, tls: bool) -> None:
    """Waits until the server answers, and says so."""
    while (status := readiness(address.local, tls)) is None:
        time.sleep(SECONDS_BETWEEN_PROBES)
    url = f"{'https' if tls else 'http'}://{address.local.netloc}"
    if status == http.HTTPStatus.OK:
        print(f"Ready: {url}", flush=True)
    else:
        print(f"Running, but not ready: {url}/readyz says why", flush=True)


def readiness(address: Address, tls: bool = False) -> int | None:
    """The status of /readyz; None while nobody, or only Nginx, answers."""
    connection = http.client.HTTPConnection(address.host, address.port, timeout=60)
    if tls:
        # The certificate is for the server's name, and this is the same machine.
        context = ssl._create_unverified_context()  # noqa: S323, SLF001  # the library's own name
        connection = http.client.HTTPSConnection(
            address.host, address.port, timeout=60, context=context
        )
    try:
        connection.request("GET", "/readyz")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return (
        None if status in (http.HTTPStatus.BAD_GATEWAY, http.HTTPStatus.GATEWAY_TIMEOUT) else status
    )


def _wait_for_all(server: int) -> None:
    """Reaps every child; once the server itself has ended, ends what it left behind."""
    while True:
        try:
            ended, _ = os.wait()
        except ChildProcessError:
            return
        if ended == server:
            for child in _children():
                _signal(child, signal.SIGTERM)


def _children() -> list[int]:
    tasks = Path("/proc/self/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text(encoding="ascii").split()]


def _signal(process: int, number: signal.Signals) -> None:
    try:
        os.kill(process, number)
    except ProcessLookupError:
        return
