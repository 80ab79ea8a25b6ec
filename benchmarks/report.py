"""Writes the table, the ratios and the plot of a race for docs/benchmarks.md.

Usage: python -m benchmarks.report RESULTS.json FOLDER
"""

import shutil
import statistics
import sys
from collections.abc import Callable, Iterator
from operator import attrgetter
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.load import Load
from benchmarks.payloads import V2_BATCH
from benchmarks.race import ALL_CONNECTIONS
from benchmarks.results import Entry, Ratio, Results, load_results
from configuration import ROOT

DOCUMENT = ROOT / "docs" / "benchmarks.md"
PLOT = "![Latency against predictions per second, a line for each server.](benchmarks.svg)"
BEGIN, END = "<!-- results -->", "<!-- end of results -->"

# The target ratios of the project: (contender, other, minimum).
TARGETS = (
    ("server", "fastapi", 4.0),
    ("server", "mlserver", 10.0),
    ("server", "empty", 0.75),
    ("alone", "fastapi", 5.0),
    ("server-batches", "mlserver-batches", 5.0),
)


def write_report(results: Results, folder: Path) -> None:
    """Writes results.json, table.md and plot.svg, and prints the table."""
    folder.mkdir(parents=True, exist_ok=True)
    results.save(folder / "results.json")
    table = "\n".join([*_tables(results), *_targets(results), ""])
    (folder / "table.md").write_text(table, encoding="utf-8")
    _plot(results).savefig(folder / "plot.svg", metadata={"Date": None})
    print(table)
    print(f"Written to {folder}")


def publish(folder: Path) -> None:
    """Replaces the table and the plot of docs/benchmarks.md."""
    text = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    table = (folder / "table.md").read_text(encoding="utf-8")
    results = f"{BEGIN}\n{PLOT}\n\n{table}{END}"
    DOCUMENT.write_text(f"{before}{results}{after}", encoding="utf-8")
    shutil.copyfile(folder / "plot.svg", DOCUMENT.with_suffix(".svg"))


def _tables(results: Results) -> Iterator[str]:
    for rows, reference in ((1, "server"), (V2_BATCH.rows, "server-batches")):
        entries = [entry for entry in results.entries.values() if entry.rows == rows]
        yield from (f"Batches of {rows:,}:", "") if rows > 1 else ()
        yield from _table(results, entries, reference)
        yield ""


def _table(results: Results, entries: list[Entry], reference: str) -> Iterator[str]:
    yield "| | rate | p50 ms | p99 ms | CPU ms, 1,000 answers | memory MiB | versions |"
    yield "|---|---|---|---|---|---|---|"
    racing = [entry for entry in entries if entry.turns]
    for entry in sorted(racing, key=lambda e: -e.median(lambda turn: turn.load.rate)):
        yield _row(entry, results.ratio(entry.name, reference))
    for entry in entries:
        if not entry.turns:
            yield f"| {entry.title} | failed: {entry.failure.splitlines()[0]} |||||"


def _row(entry: Entry, ratio: Ratio | None) -> str:
    cells = [
        entry.title,
        _short(ratio.median) if ratio else "",
        _short(entry.median(lambda turn: turn.load.p50_ms)),
        _short(entry.median(lambda turn: turn.load.p99_ms)),
        _short(entry.median(lambda turn: turn.cpu_ms)),
        _short(entry.median(lambda turn: turn.pss_mib)),
        ", ".join(f"{package} {version}" for package, version in entry.versions.items()),
    ]
    return f"| {' | '.join(cells)} |"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _targets(results: Results) -> Iterator[str]:
    for name, other, least in TARGETS:
        ratio = results.ratio(name, other)
        if ratio:
            verdict = "reached" if ratio.median >= least else "not reached"
            titles = f"{results.entries[name].title} / {results.entries[other].title}"
            yield f"- {titles}: {ratio}; aim {least:g}: {verdict}"


def _plot(results: Results) -> Figure:
    plt.rcParams["svg.hashsalt"] = "benchmarks"  # the same file for the same results
    figure, axes = plt.subplots(figsize=(9, 6), layout="constrained")
    for entry in results.entries.values():
        if entry.turns and entry.rows == 1:
            _draw(axes, entry)
    axes.set_title(f"One core; {', '.join(map(str, ALL_CONNECTIONS))} connections")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("predictions per second")
    axes.set_ylabel("latency in ms: median, and 99th percentile above it")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend(fontsize="small")
    return figure


def _draw(axes: Axes, entry: Entry) -> None:
    rates, middles, highs = (
        _medians(entry, value)
        for value in (attrgetter("rate"), attrgetter("p50_ms"), attrgetter("p99_ms"))
    )
    (line,) = axes.plot(rates, middles, marker="o", label=entry.title)
    axes.vlines(rates, middles, highs, color=line.get_color(), alpha=0.5)


def _medians(entry: Entry, value: Callable[[Load], float]) -> list[float]:
    """The median over all turns, at each number of connections."""
    by_turn = [[value(load) for load in turn.loads.values()] for turn in entry.turns]
    return [statistics.median(values) for values in zip(*by_turn, strict=True)]


if __name__ == "__main__":
    write_report(load_results(Path(sys.argv[1])), Path(sys.argv[2]))
