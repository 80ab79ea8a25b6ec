"""A supervisord event listener that stops supervisord when a program cannot be kept alive.

By default supervisord continues without the program, and an orchestrator does not notice.
"""

import os
import signal
import sys

from supervisor.childutils import get_headers, listener


def main() -> None:
    """Waits for PROCESS_STATE_FATAL events on stdin and stops the parent process, supervisord."""
    while True:
        _, payload = listener.wait(sys.stdin, sys.stdout)
        program = get_headers(payload)["processname"]
        print(f"{program} cannot be kept alive: stopping", file=sys.stderr, flush=True)
        os.kill(os.getppid(), signal.SIGTERM)
        listener.ok(sys.stdout)


if __name__ == "__main__":
    main()
