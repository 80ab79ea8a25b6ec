"""Collects the metrics of all workers in the form that `prometheus_client` encodes."""

import platform
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from importlib.metadata import version
from itertools import accumulate
from pathlib import Path

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.metrics_core import Metric

from server import VERSION
from server.metrics.definitions import COUNTED, PREFIX, RELEASE_LABEL, REQUESTS, Family
from server.metrics.process_memory import private_bytes
from server.metrics.store import Key
from server.models.catalog import NetworkCatalog
from server.models.network import Network

LIBRARIES = ("falcon", "gunicorn", "uvicorn", "onnxruntime", "numpy")
ANSWERS = Family("requests", "Requests that workers answered", REQUESTS.labels)

Counts = Mapping[Key, list[float]]


class Collector:
    """Collects all metrics at the moment of a scrape.

    read: returns the counts of all workers.
    workers: returns the process ids of the living workers.
    memory_share: bytes of private memory that each worker may have; None: unlimited.
    nginx_counts: the counts of Nginx's own responses, as `nginx/clients.lua` writes them.
    releases: returns the release and the role, "current" or "canary", of each living worker.
    """

    def __init__(
        self,
        catalog: NetworkCatalog,
        read: Callable[[], Counts],
        workers: Callable[[], Iterable[int]],
        nginx_counts: str,
        *,
        memory_share: int | None = None,
        releases: Callable[[], Iterable[tuple[str, str]]] = tuple,
    ) -> None:
        self._catalog = catalog
        self._read = read
        self._workers = workers
        self._memory_share = memory_share
        self._nginx_counts = nginx_counts
        self._releases = releases

    def collect(self) -> Iterator[Metric]:
        """Yields one family after the other."""
        counts = self._read()
        for family in COUNTED:
            series = {
                key.labels: value for key, value in counts.items() if key.family == family.name
            }
            yield _histogram(family, series) if family.bounds else _counter(family, series)
            if family is REQUESTS:
                yield _counter(ANSWERS, {labels: [sum(c[:-1])] for labels, c in series.items()})
        yield _nginx_answers(self._nginx_counts)
        workers = list(self._workers())
        yield from _describe_workers(workers)
        yield from _describe_private_memory(workers, self._memory_share)
        yield _count_releases(self._releases())
        yield from _describe_networks(self._catalog)
        yield _build()


def _labels(family: Family) -> tuple[str, ...]:
    """The labels of a family; only the series of a canary have the last one."""
    return (*family.labels, RELEASE_LABEL)


def _counter(family: Family, series: Mapping[tuple[str, ...], list[float]]) -> Metric:
    metric = CounterMetricFamily(PREFIX + family.name, family.help + ".", labels=_labels(family))
    for labels, (count,) in sorted(series.items()):
        metric.add_metric(labels, count)
    return metric


def _histogram(family: Family, series: Mapping[tuple[str, ...], list[float]]) -> Metric:
    metric = HistogramMetricFamily(PREFIX + family.name, family.help + ".", labels=_labels(family))
    ends = [*map(str, family.bounds), "+Inf"]
    for labels, (*counts, total) in sorted(series.items()):
        metric.add_metric(labels, list(zip(ends, accumulate(counts), strict=True)), total)
    return metric


def _nginx_answers(text: str) -> Metric:
    """Parses `route,status,count;...`; the route of a refusal is empty."""
    metric = CounterMetricFamily(
        f"{PREFIX}nginx_answers",
        "Nginx's own responses: files and refusals. Restarts at zero with Nginx.",
        labels=("route", "status"),
    )
    for line in filter(None, text.split(";")):
        route, status, count = line.split(",")
        metric.add_metric([route, status], float(count))
    return metric


def _describe_workers(processes: list[int]) -> Iterator[Metric]:
    yield GaugeMetricFamily(f"{PREFIX}workers", "Living workers.", value=len(processes))
    yield GaugeMetricFamily(
        f"{PREFIX}workers_memory_bytes",
        "Memory of all workers; shared memory counts once (proportional set size).",
        value=sum(map(_proportional_bytes, processes)),
    )


def _describe_private_memory(processes: list[int], share: int | None) -> Iterator[Metric]:
    private = GaugeMetricFamily(
        f"{PREFIX}worker_private_memory_bytes",
        "Resident memory that a worker does not share with other processes.",
        labels=["process"],
    )
    for process in processes:
        with suppress(OSError):  # the process has just ended
            private.add_metric([str(process)], private_bytes(process))
    yield private
    if share is not None:
        help_text = "Private memory above which a worker refuses large bodies."
        yield GaugeMetricFamily(f"{PREFIX}worker_memory_share_bytes", help_text, value=share)


def _proportional_bytes(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:  # the process has just ended
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _count_releases(releases: Iterable[tuple[str, str]]) -> Metric:
    metric = GaugeMetricFamily(
        f"{PREFIX}release_workers",
        "Living workers by the release that they serve; two releases while models change.",
        labels=("release", "role"),
    )
    for labels, count in sorted(Counter(releases).items()):
        metric.add_metric(labels, count)
    return metric


def _describe_networks(catalog: NetworkCatalog) -> Iterator[Metric]:
    networks = catalog.networks.values()
    yield GaugeMetricFamily(
        f"{PREFIX}ready", "Whether every model file is served.", value=not catalog.faults
    )
    info = InfoMetricFamily(f"{PREFIX}network", "The networks that are served.", labels=["network"])
    for network in networks:
        info.add_metric([network.name], _facts(network))
    yield info
    recall = GaugeMetricFamily(
        f"{PREFIX}network_unweighted_average_recall_ratio",
        "Measured on speakers who are not in the training data.",
        labels=["network"],
    )
    for network in networks:
        recall.add_metric([network.name], network.metadata.metrics.speaker_independent_uar)
    yield recall


def _facts(network: Network) -> dict[str, str]:
    labels = network.metadata.labels
    return {"sha256": network.sha256, "input": network.metadata.input, "labels": str(len(labels))}


def _build() -> Metric:
    versions = {name: version(name) for name in LIBRARIES}
    facts = {"version": VERSION, "python": platform.python_version()} | versions
    return InfoMetricFamily(f"{PREFIX}build", "Versions of server and libraries.", value=facts)
