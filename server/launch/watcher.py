"""Background tasks of the launcher's process."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence

INTERVAL_SECONDS = 0.5
SECONDS_TO_END = 1.0  # of a task, at the end of the block


@contextlib.contextmanager
def watching(
    tasks: Sequence[Callable[[], None]], interval: float = INTERVAL_SECONDS
) -> Iterator[None]:
    """Runs the tasks every `interval` seconds in a thread, until the block ends.

    A task that waits for something then, such as for the workers of a stopped server, is left.

    tasks: they must not raise.
    """
    is_over = threading.Event()

    def run() -> None:
        while not is_over.wait(interval):
            for task in tasks:
                task()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join(SECONDS_TO_END)
