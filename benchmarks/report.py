"""Writes the table, the ratios and the plot of a race for docs/benchmarks.md.

Usage: python -m benchmarks.report RESULTS.json FOLDER
"""

import shutil
import statistics
import sys
from collections.abc import Iterable, Iterator
from operator import attrgetter
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.contenders import CONNECTIONS
from benchmarks.results import Entry, Ratio, Results, load_results
from configuration import ROOT

DOCUMENT = ROOT / "docs" / "benchmarks.md"
PLOT = "![Latency against predictions per second, a line for each server.](benchmarks.svg)"
BEGIN, END = "<!-- results -->", "<!-- end of results -->"

# The target ratios of the project: (entry, other, minimum).
BEST_PEER = "TCN/best peer"
TARGETS = (
    ("TCN/server", "TCN/bare", 0.75),
    ("TCN/server", BEST_PEER, 1.3),
    ("TCN/server", "TCN/beside", 3.0),
    ("DNN/server", "DNN/empty", 0.68),
    ("DNN/alone", "DNN/fastapi", 2.6),
    ("batches/json", "batches/mlserver", 1.7),
    ("batches/binary", "batches/bare", 0.63),
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
    for heading in _unique(entry.heading for entry in results.entries.values()):
        yield from (f"{heading}:", "")
        yield from _table(results, _racing(results, heading))
        yield ""
    yield from _failures(results)
    yield from _versions(results)


def _unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _racing(results: Results, heading: str) -> list[Entry]:
    """The entries of a table that have turns, the fastest first."""
    entries = [e for e in results.entries.values() if e.heading == heading and e.turns]
    return sorted(entries, key=lambda entry: -entry.rate)


def _table(results: Results, entries: list[Entry]) -> Iterator[str]:
    yield "| | rate | p50 ms | p99 ms | CPU ms, 1,000 answers | memory MiB |"
    yield "|---|---|---|---|---|---|"
    for entry in entries:
        yield _row(entry, results.ratio(entry.name, entry.reference))


def _row(entry: Entry, ratio: Ratio | None) -> str:
    memory = entry.median(lambda turn: turn.pss_mib)
    cells = [
        entry.title,
        _short(ratio.median) if ratio else "",
        _short(entry.median(lambda turn: turn.load.p50_ms)),
        _short(entry.median(lambda turn: turn.load.p99_ms)),
        _short(entry.median(lambda turn: turn.cpu_ms)),
        _short(memory) if memory else "",
    ]
    return f"| {' | '.join(cells)} |"


def _failures(results: Results) -> Iterator[str]:
    failed = [entry for entry in results.entries.values() if not entry.turns]
    for entry in failed:
        yield f"- {entry.name} failed: {entry.failure.splitlines()[0]}"
    yield from [""] if failed else ()


def _versions(results: Results) -> Iterator[str]:
    """A line for all packages of all contenders."""
    found = [f"{p} {v}" for e in results.entries.values() for p, v in e.versions.items()]
    yield f"Versions: {', '.join(sorted(_unique(found)))}."
    yield ""


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _targets(results: Results) -> Iterator[str]:
    for name, target, least in TARGETS:
        other = _best_peer(results) if target == BEST_PEER else target
        ratio = results.ratio(name, other)
        if ratio:
            verdict = "reached" if ratio.median >= least else "not reached"
            mine, theirs = results.entries[name], results.entries[other]
            titles = f"{mine.title} / {theirs.title}"
            yield f"- {mine.name.partition('/')[0]}: {titles}: {ratio}; aim {least:g}: {verdict}"


def _best_peer(results: Results) -> str:
    """The name of the fastest peer with the frame network; empty without any."""
    peers = [e for e in results.entries.values() if e.peer and e.name.startswith("TCN/")]
    return max(peers, key=lambda entry: entry.rate).name if peers else ""


def _plot(results: Results) -> Figure:
    """For each network, latency against throughput at all numbers of connections."""
    plt.rcParams["svg.hashsalt"] = "benchmarks"  # the same file for the same results
    curves = [entry for entry in results.entries.values() if entry.turns and entry.turns[0].curve]
    headings = _unique(entry.heading for entry in curves) or [""]
    figure = plt.figure(figsize=(9, 6 * len(headings)), layout="constrained")
    for number, heading in enumerate(headings, 1):
        axes = figure.add_subplot(len(headings), 1, number)
        for entry in curves:
            if entry.heading == heading:
                _draw(axes, entry)
        _label(axes, heading)
    return figure


def _label(axes: Axes, heading: str) -> None:
    axes.set_title(f"{heading.replace('`', '')}; {', '.join(map(str, CONNECTIONS))} connections")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("predictions per second")
    axes.set_ylabel("latency in ms: median, and 99th percentile above it")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend(fontsize="small")


def _draw(axes: Axes, entry: Entry) -> None:
    """Draws a line through the medians over all turns."""
    curves = [turn.curve for turn in entry.turns]
    rates, middles, highs = (
        [statistics.median(map(value, loads)) for loads in zip(*curves, strict=True)]
        for value in (attrgetter("rate"), attrgetter("p50_ms"), attrgetter("p99_ms"))
    )
    (line,) = axes.plot(rates, middles, marker="o", label=entry.title)
    axes.vlines(rates, middles, highs, color=line.get_color(), alpha=0.5)


if __name__ == "__main__":
    write_report(load_results(Path(sys.argv[1])), Path(sys.argv[2]))
