"""supervisord, which ends when a program cannot be kept alive and loses no signal to a new one.

`python -m server.launch.supervisor -c supervisord.conf`
"""

import os
import signal
from typing import Any

from supervisor import events, supervisord
from supervisor import process as supervisor_process
from supervisor.loggers import Handler
from supervisor.options import ServerOptions
from supervisor.poller import Poller
from supervisor.states import ProcessStates, SupervisorStates

from server.processes import (
    MONOTONIC,
    blocked_stop_signals,
    children,
    end_with_parent,
    send_signal,
)


class WakingPoller(Poller):  # type: ignore[misc]  # it ships no types
    """Does not wait in supervisord's first pass, after a signal, and in the pass after that.

    Otherwise supervisord starts its programs, and notices the end of one, up to a second late.
    """

    def initialize(self) -> None:
        """Asks for a byte in a pipe at each signal."""
        super().initialize()
        self._wakeup, written = os.pipe()
        for end in (self._wakeup, written):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(written, warn_on_full_buffer=False)
        self._is_awake = True

    def poll(self, timeout: float) -> tuple[list[int], list[int]]:
        """Waits for readable and writable files, at most `timeout` seconds."""
        self.register_readable(self._wakeup)
        readables, writables = super().poll(0 if self._is_awake else timeout)
        self._is_awake = self._wakeup in readables
        if self._is_awake:
            readables.remove(self._wakeup)
            os.read(self._wakeup, 4096)
        return readables, writables


class Options(ServerOptions):  # type: ignore[misc]
    """supervisord's options and calls to the system."""

    shortage = False  # the last fork failed

    def __init__(self) -> None:
        super().__init__()
        self.poller = WakingPoller(self)

    def fork(self) -> int:
        """Forks a program, which ends with supervisord.

        Until it executes its command, the child would handle a signal as supervisord does, by
        remembering it, and then forget it.
        """
        parent = os.getpid()
        with blocked_stop_signals() as numbers:
            self.shortage = True
            process = os.fork()
            self.shortage = False
            if process == 0:
                for number in numbers:
                    signal.signal(number, signal.SIG_DFL)
                end_with_parent(signal.SIGTERM, parent)
        return process


class Supervisor(supervisord.Supervisor):  # type: ignore[misc]
    """Stops when a program cannot be kept alive.

    By default supervisord continues without the program, and an orchestrator does not notice.
    """

    def runforever(self) -> None:
        """Runs the programs until a signal or a failure."""
        events.subscribe(events.ProcessStateBackoffEvent, self._wait_for_a_process)
        events.subscribe(events.ProcessStateFatalEvent, self._stop)
        events.subscribe(events.Tick5Event, self._restart_nginx_without_workers)
        super().runforever()

    def _wait_for_a_process(self, event: Any) -> None:
        """Forgets failed tries if the last fork failed: a shortage of processes passes."""
        if self.options.shortage:
            event.process.backoff = 0

    def _stop(self, event: Any) -> None:
        if self.options.mood == SupervisorStates.RUNNING:
            message = f"{event.process.config.name} cannot be kept alive: stopping"
            self.options.logger.critical(message)
            self.options.mood = SupervisorStates.SHUTDOWN

    def _restart_nginx_without_workers(self, _: Any) -> None:
        """Kills Nginx if it has no workers: it does not try again if it cannot fork one."""
        for nginx in self.process_groups["nginx"].processes.values():
            if nginx.state == ProcessStates.RUNNING and not children(nginx.pid):
                self.options.logger.error("nginx has no workers: killing it")
                send_signal(nginx.pid, signal.SIGKILL)


def _ignore_log_error(_: Handler) -> None:
    """A log that nobody reads any more must not end supervisord before it has stopped the rest."""


def main() -> None:
    """Runs supervisord in the foreground."""
    Handler.handleError = _ignore_log_error
    supervisord.time = supervisor_process.time = MONOTONIC
    options = Options()
    options.realize(doc=__doc__)
    options.first = True
    options.test = False
    try:
        Supervisor(options).main()
    except supervisord.asyncore.ExitNow:
        options.close_logger()


if __name__ == "__main__":
    main()
