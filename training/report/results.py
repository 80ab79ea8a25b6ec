"""Plots of what networks said of speakers whom they had not heard."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from training.evaluation import Evaluation
from training.metrics import CALIBRATION_BINS, Float64
from training.report.comparators import Comparator
from training.report.drawing import (
    FAINT,
    INK,
    MARKERS,
    SERIES,
    Drawing,
    finish,
    new_axes,
    new_figure,
    styled,
)

ROW = 22  # points


@dataclass(frozen=True)
class Recall:
    """Unweighted average recall of one network, with its 95 % interval; each between 0 and 1."""

    network: str
    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, evaluation: Evaluation) -> "Recall":
        """The mean of the seeds, and the interval over speakers."""
        interval = evaluation.interval()
        return cls(evaluation.network, evaluation.uar().mean, interval.low, interval.high)


@styled
def draw_recalls(
    recalls: Sequence[Recall], chance: float, comparators: Sequence[Comparator]
) -> Drawing:
    """Each network with its interval, below them chance and what others reached."""
    figure, axes = new_axes(70 + ROW * (len(recalls) + len(comparators) + 1))
    for row, recall in enumerate(recalls):
        mean, low, high = 100 * np.array([recall.mean, recall.low, recall.high])
        axes.plot([low, high], [row, row], color=SERIES[0].light, lw=2.5)
        axes.plot(mean, row, "o", color=SERIES[0].light)
        axes.text(high + 2, row, f"{mean:.1f}", va="center")
    others = [(c.name, c.recall) for c in comparators] + [("chance", chance)]
    others.sort(key=lambda other: -other[1])  # so that no line crosses another's figure
    for row, (_, share) in enumerate(others, start=len(recalls)):
        axes.plot([100 * share] * 2, [-0.5, row], color=INK.light, lw=0.8, ls=":")
        axes.plot(100 * share, row, "D", color=INK.light, markerfacecolor="none")
        axes.text(100 * share + 3, row, f"{100 * share:.1f}", va="center")
    _rows(axes, [recall.network for recall in recalls] + [name for name, _ in others])
    axes.set(xlim=(0, 100), xlabel="unweighted average recall (%)")
    figures = [f"{r.network} {r.mean:.1%} ({r.low:.1%} to {r.high:.1%})" for r in recalls]
    figures += [f"{name} {share:.1%}" for name, share in others]
    return finish(figure, "Recall of unseen speakers", f"Recall: {'; '.join(figures)}.")


def _rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")


def draw_confusion(evaluation: Evaluation) -> Drawing:
    """Rows are true emotions, columns predicted ones, in per cent of the row."""
    return draw_confusion_matrix(evaluation.network, evaluation.confusion(), evaluation.labels)


@styled
def draw_confusion_matrix(
    name: str, counts: npt.NDArray[np.floating | np.integer], labels: Sequence[str]
) -> Drawing:
    """Of any counts (L, L), in per cent of the row."""
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-9)
    figure, axes = new_axes(340)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=100, interpolation="none")
    for (row, column), share in np.ndenumerate(shares):
        # The cells keep their colours in either theme.
        colour = "#fefefe" if share > 55 else "#010101"
        axes.text(column, row, f"{share:.0f}", ha="center", va="center", color=colour)
    axes.set_xticks(range(len(labels)), labels, rotation=40, ha="right")
    axes.set_yticks(range(len(labels)), labels)
    axes.set(xlabel="predicted emotion", ylabel="true emotion (row = 100 %)")
    axes.grid(visible=False)
    recalls = zip(labels, np.diag(shares), strict=True)
    told = ", ".join(f"{label} {share:.0f} %" for label, share in recalls)
    title = f"{name}: confusion (% of the true emotion)"
    return finish(figure, title, f"Confusion matrix of {name}. Recall: {told}.")


@styled
def draw_speakers(evaluations: Sequence[Evaluation], names: Sequence[str]) -> Drawing:
    """The recall of each speaker by each network; `names` are the speakers' rows."""
    figure, axes = new_axes(95 + 16 * len(names))
    for index, evaluation in enumerate(evaluations):
        recalls = 100 * np.array(list(evaluation.speaker_uar().values()))
        rows = np.arange(len(recalls))
        axes.plot(recalls, rows, linestyle="none", label=evaluation.network, **_series(index))
    _rows(axes, names)
    axes.grid(visible=True, axis="y")
    axes.set(xlim=(0, 100), xlabel="unweighted average recall (%)", ylabel="speaker")
    _legend_below(axes)
    told = "; ".join(f"{e.network} {_span(e.speaker_uar().values())}" for e in evaluations)
    return finish(figure, "Recall of each speaker, not heard before", f"By speaker: {told}.")


def _series(index: int) -> dict[str, Any]:
    """Colour and marker of the network with this index."""
    return {"color": SERIES[index % len(SERIES)].light, "marker": MARKERS[index % len(MARKERS)]}


def _legend_below(axes: Axes) -> None:
    axes.figure.legend(loc="outside lower center", ncols=4)


def _span(values: Iterable[float]) -> str:
    ordered = sorted(values)
    return f"from {ordered[0]:.1%} to {ordered[-1]:.1%}"


@styled
def draw_reliability(evaluation: Evaluation) -> Drawing:
    """How often answers of each confidence are right, and how many there are of them."""
    table, error = evaluation.reliability(), evaluation.ece()
    figure = new_figure(340)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    bars = {"width": 100 / CALIBRATION_BINS, "edgecolor": INK.light, "linewidth": 0.6}
    centres = 100 * (np.arange(len(table.share)) + 0.5) / len(table.share)
    upper.bar(centres, 100 * table.accuracy, color=SERIES[0].light, **bars)
    upper.plot([0, 100], [0, 100], color=INK.light, ls="--", lw=1)
    upper.set(ylim=(0, 100), ylabel="accuracy (%)")
    lower.bar(centres, 100 * table.share, color=FAINT.light, **bars)
    lower.set(xlim=(0, 100), xlabel="confidence (%)", ylabel="answers (%)")
    title = f"{evaluation.network}: reliability, calibration error {error.mean:.3f}"
    description = (
        f"Accuracy against confidence of {evaluation.network} in {len(table.share)} bins; the "
        f"dashed line is perfect calibration. Expected calibration error {error.mean:.3f}, "
        f"deviation over seeds {error.deviation:.3f}."
    )
    return finish(figure, title, description)


@styled
def draw_robustness(evaluations: Sequence[Evaluation]) -> Drawing:
    """Recall under each condition, by network; the first row is of the clips as they are."""
    conditions = list(dict.fromkeys(name for e in evaluations for name in e.robustness))
    figure, axes = new_axes(90 + ROW * (1 + len(conditions)))
    for index, evaluation in enumerate(evaluations):
        points = {0: evaluation.uar().mean}
        for row, condition in enumerate(conditions, start=1):
            if condition in evaluation.robustness:
                points[row] = evaluation.uar(condition).mean
        recalls = 100 * np.array(list(points.values()))
        axes.plot(recalls, list(points), ls=":", lw=1, label=evaluation.network, **_series(index))
    _rows(axes, ["as recorded", *conditions])
    axes.set(xlim=(0, 100), xlabel="unweighted average recall (%)")
    _legend_below(axes)
    title = "Recall of unseen speakers where sound is worse"
    return finish(figure, title, f"{title}: the figures stand in the table beside it.")


@styled
def draw_history(evaluation: Evaluation, curve: str) -> Drawing:
    """One curve of the fits by epoch: mean, and the range over folds and seeds."""
    values = evaluation.history[curve]
    runs: Float64 = values.reshape(-1, values.shape[-1]).astype(np.float64)
    epochs = np.arange(1, runs.shape[1] + 1)
    figure, axes = new_axes(220)
    colour = SERIES[0].light
    axes.fill_between(epochs, runs.min(axis=0), runs.max(axis=0), color=colour, alpha=0.25, lw=0)
    axes.plot(epochs, runs.mean(axis=0), color=colour)
    axes.set(xlabel="epoch", ylabel=curve, xlim=(1, max(2, len(epochs))))
    first, last = runs.mean(axis=0)[[0, -1]]
    description = (
        f"The {curve} of {evaluation.network} over {len(epochs)} epochs, mean and range of "
        f"{len(runs)} fits: {first:.3f} after the first epoch, {last:.3f} after the last."
    )
    return finish(figure, f"{evaluation.network}: {curve} while it is fitted", description)
