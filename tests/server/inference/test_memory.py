import os

import pytest

from server.inference.batch_executor import UNCHECKED_BYTES, BatchExecutor
from server.inference.memory import WorkerMemory
from server.metrics.process_memory import private_bytes
from server.metrics.store import MetricStore
from server.problems.documents import Problem

MEBIBYTE = 2**20


def memory(share: int) -> tuple[WorkerMemory, MetricStore]:
    store = MetricStore.in_memory()
    return WorkerMemory.counted(share, store), store


def refusals(store: MetricStore) -> float:
    return sum(values[0] for values in store.read().values())


def test_private_memory_grows_with_what_the_process_allocates() -> None:
    before = private_bytes(os.getpid())
    block = bytearray(b"x" * 64 * MEBIBYTE)
    assert private_bytes(os.getpid()) > before + 60 * MEBIBYTE
    assert len(block) == 64 * MEBIBYTE


def test_a_body_that_exceeds_the_share_is_refused_and_counted() -> None:
    limited, store = memory(private_bytes(os.getpid()) + 64 * MEBIBYTE)
    assert limited.has_room(MEBIBYTE, is_idle=True)
    assert refusals(store) == 0
    assert not limited.has_room(64 * MEBIBYTE, is_idle=True)
    assert refusals(store) == 1


def test_without_a_share_every_body_has_room() -> None:
    assert WorkerMemory.counted(None, MetricStore.in_memory()).has_room(2**60, is_idle=True)


def test_a_worker_above_its_share_refuses_large_bodies_only() -> None:
    executor = BatchExecutor(64 * MEBIBYTE, memory(1)[0])
    with executor.reserve(UNCHECKED_BYTES):
        pass
    with pytest.raises(Problem) as refusal, executor.reserve(MEBIBYTE):
        pass
    assert "short of memory" in refusal.value.detail
    assert refusal.value.status_code == 503
    assert dict(refusal.value.headers)["Retry-After"] == "1"  # type: ignore[arg-type]
