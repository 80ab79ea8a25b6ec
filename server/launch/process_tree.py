"""Runs a command as a process tree in the foreground, until the last of its processes ends."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from http import HTTPStatus
from types import FrameType
from typing import IO

from configuration import ROOT
from server.healthcheck import readiness
from server.launch.logs import json_lines
from server.processes import STOP_SIGNALS, adopt_orphans, children, end_with_parent, send_signal
from server.settings import ServerSettings

PROBE_INTERVAL_SECONDS = 0.05
READ_BYTES = 65_536


def exit_on_stop_signals() -> None:
    """Ends this process with status 0 at a stop signal, until `run_process_tree` handles it."""

    def stop(*_: int | FrameType | None) -> None:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        sys.exit(0)

    for number in STOP_SIGNALS:
        signal.signal(number, stop)


def run_process_tree(
    command: Sequence[str], environment: Mapping[str, str], settings: ServerSettings
) -> int:
    """Runs `command` in the project's folder until all of its processes have ended.

    Prints a line when the server responds. SIGINT, SIGTERM and SIGHUP stop the command. If this
    process is killed, the command gets SIGTERM.

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
    threading.Thread(target=_announce, args=(settings, stopped), daemon=True).start()
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
        # Tied to the thread that forks, here the main thread, which ends with the process.
        preexec_fn=partial(end_with_parent, signal.SIGTERM, os.getpid()),  # noqa: PLW1509
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


def _announce(settings: ServerSettings, stopped: threading.Event) -> None:
    """Waits until the server responds, and prints its URL unless it was stopped."""
    while (status := readiness(settings)) is None:
        if stopped.wait(PROBE_INTERVAL_SECONDS):
            return
    if stopped.is_set():
        return
    url = f"{'https' if settings.tls else 'http'}://{settings.address.local.netloc}"
    if status == HTTPStatus.OK:
        line = f"Ready: {url}"
    else:
        line = f"Running, but not ready: see {url}/readyz"
    # One write: another thread writes the log.
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


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
