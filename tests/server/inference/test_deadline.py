import asyncio
import json
from math import inf
from pathlib import Path
from threading import Event
from time import perf_counter

import pytest

from server.api.open_inference import inference_services
from server.inference.batch_executor import BatchExecutor
from server.inference.deadline import Deadline, earlier, parse_deadline
from server.inference.joint_runs import JointRuns
from server.inference.time_slice import EventLoopTimeSlice
from server.metrics.network_metrics import network_metrics
from server.metrics.store import MetricStore
from server.models.catalog import load_catalog
from server.problems.documents import Problem
from server.settings import ServerSettings


@pytest.mark.parametrize(("text", "seconds"), [("1", 1.0), ("0.250", 0.25), ("86400", 86_400.0)])
def test_a_timeout_is_a_decimal_number_of_seconds(text: str, seconds: float) -> None:
    assert parse_deadline(text, 10.0) == Deadline(10.0 + seconds, seconds)


@pytest.mark.parametrize(
    "text",
    ["", "0", "0.0", "-1", "+1", ".5", "1.", "1e3", "nan", "inf", "1s", "86401", "\u0661"],
)
def test_another_timeout_is_refused(text: str) -> None:
    with pytest.raises(Problem) as problem:
        parse_deadline(text, 0.0)
    assert problem.value.status_code == 400
    assert "expected seconds, a decimal number above 0 and at most 86,400" in problem.value.detail


def test_a_deadline_that_is_over_refuses_the_work() -> None:
    with pytest.raises(Problem) as problem:
        Deadline(perf_counter(), 0.25).check()
    assert problem.value.kind.slug == "deadline-exceeded"
    assert problem.value.detail.endswith("within its timeout of 0.25 seconds.")


def test_work_that_takes_longer_than_the_rest_is_refused() -> None:
    deadline = Deadline(perf_counter() + 60, 60)
    deadline.check(1)
    deadline.check(inf)  # unknown
    with pytest.raises(Problem):
        deadline.check(61)


def test_the_earlier_deadline_counts() -> None:
    deadline = Deadline(5.0, 5.0)
    assert earlier(deadline, 0.0, 0.0) is deadline
    assert earlier(deadline, 0.0, 9.0) is deadline
    assert earlier(deadline, 0.0, 2.0) == Deadline(2.0, 2.0)
    assert earlier(None, 0.0, 2.0) == Deadline(2.0, 2.0)
    assert earlier(None, 0.0, 0.0) is None


def test_a_batch_whose_deadline_passes_in_the_queue_is_dropped_before_it_runs(
    models: Path,
) -> None:
    catalog, store = load_catalog(models), MetricStore.in_memory()
    executor, metrics = BatchExecutor(2**20), network_metrics(store, catalog)
    time_slice = EventLoopTimeSlice()
    joint_runs = {each.name: JointRuns(each, time_slice) for each in catalog.networks.values()}
    service = inference_services(
        catalog, ServerSettings(), executor, time_slice, metrics, joint_runs=joint_runs
    )["TCN"]
    is_queued = Event()
    tensor = {"name": "frames", "shape": [2, 20, 25], "datatype": "FP32", "data": [1.5] * 1_000}
    body = json.dumps({"inputs": [tensor]}).encode()
    deadline = Deadline(perf_counter() + 0.05, 0.05)

    def wait_until_the_deadline_is_over() -> None:
        assert is_queued.wait(60)
        while perf_counter() < deadline.at:
            pass

    async def infer_behind_another_run() -> None:
        other = asyncio.create_task(executor.run_network(wait_until_the_deadline_is_over))
        infer = asyncio.create_task(service.infer(body, None, perf_counter(), deadline))
        await asyncio.sleep(0)
        is_queued.set()
        await other
        with pytest.raises(Problem, match="503"):
            await infer

    asyncio.run(infer_behind_another_run())
    assert all(sum(v) == 0 for key, v in store.read().items() if "network" in key.family)
