"""Background tasks of the launcher's process."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence

INTERVAL_SECONDS = 2.0


@contextlib.contextmanager
def watching(
    tasks: Sequence[Callable[[], None]], interval: float = INTERVAL_SECONDS
) -> Iterator[None]:
    """Runs the tasks every `interval` seconds in a thread, until the block ends.

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
        thread.join()
