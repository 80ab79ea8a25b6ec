"""The process that verifies a models directory; `verification.py` starts it.

It reads an order from standard input and writes its progress to standard output.
"""

import os
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from server.models.verification import NetworkSummary, Order, Progress, Verification
from server.processes import end_with_parent

LIKELIEST_VICTIM = "1000"


def main() -> None:
    """Verifies the directory of the order, and never outlives its parent."""
    end_with_parent(signal.SIGKILL)
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    _limit(order.memory_bytes)
    # What a library prints must not mix with the progress.
    output = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def write(progress: Progress) -> None:
        os.write(output, msgspec.json.encode(progress) + b"\n")

    write(Progress(result=_verify(order, lambda file: write(Progress(file)))))


def _verify(order: Order, begin: Callable[[str], None]) -> Verification:
    from server.models.catalog import load_catalog  # noqa: PLC0415  # within the limits

    catalog = load_catalog(Path(order.directory), order.maximum_file_bytes, order.refused, begin)
    networks = {
        network.name: NetworkSummary(network.metadata.input, network.metadata.labels)
        for network in catalog.networks.values()
    }
    contract = catalog.contract
    recipe, prosody = (contract.recipe, contract.prosody) if contract else (None, None)
    return Verification(networks, recipe, dict(catalog.faults), prosody)


def _limit(memory_bytes: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = memory_bytes if hard == resource.RLIM_INFINITY else min(memory_bytes, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # If memory is short, the kernel ends this process rather than the server.
    with suppress(OSError):  # a sandbox may forbid it
        Path("/proc/self/oom_score_adj").write_text(LIKELIEST_VICTIM, encoding="ascii")


if __name__ == "__main__":
    main()
