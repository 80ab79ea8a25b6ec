"""Runs jobs on all usable cores of this machine, or on a Dask cluster."""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeVar

import joblib
from joblib.externals.loky import get_reusable_executor
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from training.errors import UserError

Task = TypeVar("Task")
Result = TypeVar("Result")

CONNECT_SECONDS = 10
# Dask workers may have several threads, but PyTorch's random generator is one per process.
_ONE_AT_A_TIME = Lock()


class SchedulerError(UserError):
    """A cluster that cannot be used; the message gives the reason."""


@dataclass(frozen=True)
class Scheduler:
    """Runs one function over many tasks; the results are the same on every machine.

    Every task has one thread, so that no sum depends on the number of cores.
    """

    address: str | None = None  # of a Dask scheduler, such as tcp://10.0.0.1:8786

    def run(
        self, function: Callable[[Task], Result], tasks: Sequence[Task], what: str, unit: str
    ) -> list[Result]:
        """Calls `function` for every task.

        On a cluster the workers need this project, its packages, and the recordings and the cache
        under the same paths. The tasks of a lost worker are run by the others.

        Args:
            function: what to call; it must be picklable.
            tasks: its arguments.
            what: the label of the progress bar.
            unit: the unit of the progress bar, such as `clip`.

        Returns:
            The results in the order of the tasks.

        Raises:
            SchedulerError: the cluster cannot be reached.
        """
        if not tasks:
            return []
        on_one_thread = functools.partial(_on_one_thread, function)
        run = self._on_the_cluster if self.address else _on_this_machine
        with tqdm(total=len(tasks), desc=what, unit=unit, disable=None) as bar:
            return run(on_one_thread, tasks, bar.update)

    def _on_the_cluster(
        self,
        function: Callable[[Task], Result],
        tasks: Sequence[Task],
        advance: Callable[[], object],
    ) -> list[Result]:
        import distributed  # noqa: PLC0415  # the import takes half a second, and most runs do not need it

        try:
            client: Any = distributed.Client(  # type: ignore[no-untyped-call]
                self.address, timeout=CONNECT_SECONDS
            )
        except (OSError, TimeoutError, ValueError) as error:
            raise SchedulerError(f"{self.address}: no Dask scheduler answers: {error}") from error
        with client:
            futures = client.map(function, tasks, pure=False)
            finished: Any = distributed.as_completed(  # type: ignore[no-untyped-call]
                futures, raise_errors=False
            )
            for _ in finished:
                advance()
            return list(client.gather(futures))


def _on_this_machine(
    function: Callable[[Task], Result], tasks: Sequence[Task], advance: Callable[[], object]
) -> list[Result]:
    jobs = min(joblib.cpu_count(), len(tasks))
    if jobs == 1:
        return list(_advancing(map(function, tasks), advance))
    outcomes = joblib.Parallel(n_jobs=jobs, return_as="generator")(
        joblib.delayed(function)(task) for task in tasks
    )
    try:
        return list(_advancing(outcomes, advance))
    finally:
        # joblib's pool is global, and would report a later import as a memory leak.
        get_reusable_executor().shutdown()


def _advancing(results: Iterator[Result], advance: Callable[[], object]) -> Iterator[Result]:
    for result in results:
        advance()
        yield result


def _on_one_thread(function: Callable[[Task], Result], task: Task) -> Result:
    with _ONE_AT_A_TIME, threadpool_limits(1):
        return function(task)
