"""Runs a command as a process tree in the foreground, until the last of its processes ends."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from types import FrameType
from typing import IO

from configuration import ROOT
from server.healthcheck import readiness
from server.launch.logs import json_lines
from server.launch.processes import adopt_orphans, children, send_signal
from server.settings import ServerSettings

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PROBE_INTERVAL_SECONDS = 0.05
READ_BYTES = 65_536


def run_process_tree(
    command: Sequence[str],
    environment: Mapping[str, str],
    settings: ServerSettings,
    watch: Callable[[], None],
) -> int:
    """Runs `command` in the project's folder until all of its processes have ended.

    watch: runs on a thread while the command runs.

    Prints a line when the server responds. SIGINT, SIGTERM and SIGHUP stop the command.

    Returns the exit status: 0 after one of these signals, 1 if the command ended by itself.
    """
    stopped = threading.Event()
    server: subprocess.Popen[bytes] | None = None

    def stop(*_: int | FrameType | None) -> None:
        stopped.set()
        if server:
            send_signal(server.pid, signal.SIGTERM)

    for number in STOP_SIGNALS:
        signal.signal(number, stop)
    adopt_orphans()
    server = _start(command, environment)
    if stopped.is_set():
        stop()
    assert server.stdout is not None
    output = threading.Thread(target=_copy_output, args=(server.stdout, server.pid), daemon=True)
    output.start()
    threading.Thread(target=_announce, args=(settings,), daemon=True).start()
    threading.Thread(target=watch, daemon=True).start()
    _wait_for_all(server.pid)
    output.join()
    return 0 if stopped.is_set() else 1


def _start(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        # A pipe can be reopened as /dev/stdout; a socket or another user's terminal cannot.
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
        process_group=0,  # Ctrl-C in a terminal signals this process only, which forwards it
    )


def _copy_output(source: IO[bytes], server: int) -> None:
    """Writes the output to stdout as lines of JSON; stops the server if stdout is closed."""
    parts = iter(lambda: source.read(READ_BYTES), b"")
    try:
        for lines in json_lines(parts):
            sys.stdout.buffer.write(lines)
            sys.stdout.buffer.flush()
    except BrokenPipeError:
        send_signal(server, signal.SIGTERM)


def _announce(settings: ServerSettings) -> None:
    """Waits until the server responds, and prints its URL."""
    while (status := readiness(settings)) is None:
        time.sleep(PROBE_INTERVAL_SECONDS)
    url = f"{'https' if settings.tls else 'http'}://{settings.address.local.netloc}"
    if status == HTTPStatus.OK:
        print(f"Ready: {url}", flush=True)
    else:
        print(f"Running, but not ready: see {url}/readyz", flush=True)


def _wait_for_all(server: int) -> None:
    """Reaps every child; stops the remaining ones when the server itself has ended."""
    while True:
        try:
            ended, _ = os.wait()
        except ChildProcessError:
            return
        if ended == server:
            for child in children(os.getpid()):
                send_signal(child, signal.SIGTERM)
