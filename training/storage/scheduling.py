"""Where jobs run: on every usable core of this machine, or on a Dask cluster."""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeVar

import joblib
from joblib.externals.loky import get_reusable_executor
from threadpoolctl import threadpool_limits
from tqdm import tqdm

Task = TypeVar("Task")
Result = TypeVar("Result")

CONNECT_SECONDS = 10
# A worker may have several threads, but a fit's random numbers are drawn from the process's.
_ONE_AT_A_TIME = Lock()


class SchedulerError(RuntimeError):
    """A cluster that cannot be used; the message says why."""


@dataclass(frozen=True)
class Scheduler:
    """Runs one function over many tasks; the results are the same wherever it does.

    Every task has one thread, so that no sum depends on the number of cores.
    """

    address: str | None = None  # of a Dask scheduler, such as tcp://10.0.0.1:8786

    def run(
        self, function: Callable[[Task], Result], tasks: Sequence[Task], what: str, unit: str
    ) -> list[Result]:
        """`function` of every task, in their order, with a progress bar named `what`.

        On a cluster the workers need this project, its packages, and the recordings and the cache
        under the same paths. What a lost worker had not finished, the others do.

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
        import distributed  # noqa: PLC0415  # half a second that most runs need not spend

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
        # The pool is joblib's for the whole process, and takes a later import for a leak.
        get_reusable_executor().shutdown()


def _advancing(results: Iterator[Result], advance: Callable[[], object]) -> Iterator[Result]:
    for result in results:
        advance()
        yield result


def _on_one_thread(function: Callable[[Task], Result], task: Task) -> Result:
    with _ONE_AT_A_TIME, threadpool_limits(1):
        return function(task)
