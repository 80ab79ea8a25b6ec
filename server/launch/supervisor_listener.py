"""A supervisord event listener: where a program cannot be kept alive, the whole stack ends.

By itself supervisord would stay, and its orchestrator would never know.
"""

import os
import signal
import sys

from supervisor.childutils import get_headers, listener


def main() -> None:
    """Listens for PROCESS_STATE_FATAL on stdin and stops supervisord, the parent process."""
    while True:
        _, payload = listener.wait(sys.stdin, sys.stdout)
        program = get_headers(payload)["processname"]
        print(f"{program} cannot be kept alive: stopping", file=sys.stderr, flush=True)
        os.kill(os.getppid(), signal.SIGTERM)
        listener.ok(sys.stdout)


if __name__ == "__main__":
    main()
