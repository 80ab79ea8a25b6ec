"""Figures of an evaluation on unseen speakers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from scipy.special import log_softmax
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from training.arrays import Float64
from training.corpora.ravdess import RAVDESS
from training.evaluation import Evaluation
from training.metrics import CALIBRATION_BINS
from training.protocols.listeners import LISTENERS, SOURCES
from training.report.figure import (
    FAINT,
    INK,
    MARKERS,
    ROW_HEIGHT,
    SERIES,
    Figure,
    finish,
    name_rows,
    new_axes,
    new_canvas,
    new_grid,
    styled,
)

PERPLEXITY = 30.0  # of t-SNE
POINTS_DRAWN = 2_000  # of it: its time grows with their number
# Raster points keep their colours in either theme.
GREY, BLUE = "#808890", "#1f87c9"
POINTS: dict[str, Any] = {
    "linestyle": "none",
    "marker": ".",
    "markeredgewidth": 0,
    "rasterized": True,
}


@dataclass(frozen=True)
class PublishedResult:
    """A speaker-independent result from the literature."""

    name: str
    recall: float  # unweighted average recall or accuracy, as `source` states
    source: str  # reference, and how the measurement differs from ours


HEARD = {
    name: PublishedResult("human listeners", share, SOURCES[name])
    for name, share in LISTENERS.items()
}
PUBLISHED = {  # by name of the corpus
    **{name: (result,) for name, result in HEARD.items()},
    RAVDESS.name: (
        HEARD[RAVDESS.name],
        PublishedResult(
            "WavLM-Large",
            0.722,
            "accuracy on the folds of the EmoBox benchmark (Ma et al. 2024, arXiv:2406.07162), "
            "which hold all 24 actors; 300 million parameters",
        ),
    ),
}


@dataclass(frozen=True)
class Recall:
    """Unweighted average recall of one network with its 95 % interval, each in [0, 1]."""

    network: str
    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, evaluation: Evaluation, name: str = "") -> "Recall":
        """Mean over the seeds, and the interval over speakers; `name` replaces the network's."""
        interval = evaluation.interval()
        return cls(name or evaluation.network, evaluation.uar().mean, interval.low, interval.high)


@styled
def draw_recalls(
    recalls: Sequence[Recall],
    chance: float,
    published: Sequence[PublishedResult],
    title: str = "Recall on unseen speakers",
) -> Figure:
    """Each network with its interval; below them published results and chance."""
    canvas, axes = new_axes(70 + ROW_HEIGHT * (len(recalls) + len(published) + 1))
    for row, recall in enumerate(recalls):
        mean, low, high = 100 * np.array([recall.mean, recall.low, recall.high])
        axes.plot([low, high], [row, row], color=SERIES[0].light, lw=2.5)
        axes.plot(mean, row, "o", color=SERIES[0].light)
        axes.text(high + 2, row, f"{mean:.1f}", va="center")
    others = [(result.name, result.recall) for result in published] + [("chance", chance)]
    others.sort(key=lambda other: -other[1])  # in this order no line crosses a number
    for row, (_, share) in enumerate(others, start=len(recalls)):
        axes.plot([100 * share] * 2, [-0.5, row], color=INK.light, lw=0.8, ls=":")
        axes.plot(100 * share, row, "D", color=INK.light, markerfacecolor="none")
        axes.text(100 * share + 3, row, f"{100 * share:.1f}", va="center")
    name_rows(axes, [recall.network for recall in recalls] + [name for name, _ in others])
    axes.set(xlim=(0, 100), xlabel="unweighted average recall (%)")
    values = [f"{r.network} {r.mean:.1%} ({r.low:.1%} to {r.high:.1%})" for r in recalls]
    values += [f"{name} {share:.1%}" for name, share in others]
    return finish(canvas, title, f"Recall: {'; '.join(values)}.")


@styled
def draw_confusion(
    name: str, counts: npt.NDArray[np.floating | np.integer], labels: Sequence[str]
) -> Figure:
    """A confusion matrix (L, L) of any counts: rows are true emotions, in per cent of the row."""
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-9)
    canvas, axes = new_axes(340)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=100, aspect="equal")
    for (row, column), share in np.ndenumerate(shares):
        # The cells keep their colours in either theme.
        colour = "#fefefe" if share > 55 else "#010101"
        axes.text(column, row, f"{share:.0f}", ha="center", va="center", color=colour)
    axes.set_xticks(range(len(labels)), labels, rotation=40, ha="right")
    axes.set_yticks(range(len(labels)), labels)
    axes.set(xlabel="predicted emotion", ylabel="true emotion (row = 100 %)")
    axes.grid(visible=False)
    recalls = zip(labels, np.diag(shares), strict=True)
    values = ", ".join(f"{label} {share:.0f} %" for label, share in recalls)
    title = f"{name}: confusion (% of the true emotion)"
    return finish(canvas, title, f"Confusion matrix of {name}. Recall: {values}.")


@styled
def draw_speakers(evaluations: Sequence[Evaluation], names: Sequence[str]) -> Figure:
    """The recall of each network on each speaker; `names` label the speakers' rows."""
    canvas, axes = new_axes(95 + 16 * len(names))
    for index, evaluation in enumerate(evaluations):
        recalls = 100 * np.array(list(evaluation.speaker_uar().values()))
        rows = np.arange(len(recalls))
        axes.plot(recalls, rows, linestyle="none", label=evaluation.network, **_series(index))
    name_rows(axes, names, lines=True)
    axes.set(xlim=(0, 100), xlabel="unweighted average recall (%)", ylabel="speaker")
    _legend_below(axes)
    ranges = "; ".join(f"{e.network} {_range(e.speaker_uar().values())}" for e in evaluations)
    return finish(canvas, "Recall on each unseen speaker", f"Recall by speaker: {ranges}.")


def _series(index: int) -> dict[str, Any]:
    """Colour and marker of the network with this index."""
    return {"color": SERIES[index % len(SERIES)].light, "marker": MARKERS[index % len(MARKERS)]}


def _legend_below(axes: Axes) -> None:
    axes.figure.legend(loc="outside lower center", ncols=4)


def _range(values: Iterable[float]) -> str:
    ordered = sorted(values)
    return f"from {ordered[0]:.1%} to {ordered[-1]:.1%}"


@styled
def draw_reliability(evaluation: Evaluation) -> Figure:
    """A reliability diagram, and below it the share of predictions in each bin."""
    table, error = evaluation.reliability(), evaluation.ece()
    canvas = new_canvas(340)
    upper, lower = canvas.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    bars = {"width": 100 / CALIBRATION_BINS, "edgecolor": INK.light, "linewidth": 0.6}
    centres = 100 * (np.arange(len(table.share)) + 0.5) / len(table.share)
    upper.bar(centres, 100 * table.accuracy, color=SERIES[0].light, **bars)
    upper.plot([0, 100], [0, 100], color=INK.light, ls="--", lw=1)
    upper.set(ylim=(0, 100), ylabel="accuracy (%)")
    lower.bar(centres, 100 * table.share, color=FAINT.light, **bars)
    lower.set(xlim=(0, 100), xlabel="confidence (%)", ylabel="clips (%)")
    title = f"{evaluation.network}: reliability, calibration error {error.mean:.3f}"
    description = (
        f"Accuracy against confidence of {evaluation.network} in {len(table.share)} bins; the "
        f"dashed line is perfect calibration. Expected calibration error {error.mean:.3f}, "
        f"standard deviation over seeds {error.deviation:.3f}."
    )
    return finish(canvas, title, description)


@styled
def draw_robustness(evaluations: Sequence[Evaluation]) -> Figure:
    """Recall of each network under each condition; the first row is the unchanged audio."""
    conditions = list(dict.fromkeys(name for e in evaluations for name in e.robustness))
    canvas, axes = new_axes(90 + ROW_HEIGHT * (1 + len(conditions)))
    for index, evaluation in enumerate(evaluations):
        points = {0: evaluation.uar().mean}
        for row, condition in enumerate(conditions, start=1):
            if condition in evaluation.robustness:
                points[row] = evaluation.uar(condition).mean
        recalls = 100 * np.array(list(points.values()))
        axes.plot(recalls, list(points), ls=":", lw=1, label=evaluation.network, **_series(index))
    name_rows(axes, ["as recorded", *conditions])
    axes.set(xlim=(0, 100), xlabel="unweighted average recall (%)")
    _legend_below(axes)
    title = "Recall on unseen speakers, degraded audio"
    return finish(canvas, title, f"{title}. The table beside it lists the values.")


@styled
def draw_history(evaluation: Evaluation, curve: str) -> Figure:
    """One training curve by epoch: mean and range over folds and seeds."""
    values = evaluation.history[curve]
    runs: Float64 = values.reshape(-1, values.shape[-1]).astype(np.float64)
    epochs = np.arange(1, runs.shape[1] + 1)
    canvas, axes = new_axes(220)
    colour = SERIES[0].light
    axes.fill_between(epochs, runs.min(axis=0), runs.max(axis=0), color=colour, alpha=0.25, lw=0)
    axes.plot(epochs, runs.mean(axis=0), color=colour)
    axes.set(xlabel="epoch", ylabel=curve, xlim=(1, max(2, len(epochs))))
    first, last = runs.mean(axis=0)[[0, -1]]
    description = (
        f"The {curve} of {evaluation.network} over {len(epochs)} epochs, mean and range of "
        f"{len(runs)} fits: {first:.3f} after the first epoch, {last:.3f} after the last."
    )
    return finish(canvas, f"{evaluation.network}: {curve} by epoch", description)


def embed_predictions(evaluation: Evaluation) -> Float64:
    """Embed the out-of-fold log-probabilities (N, L) of the first seed in a plane, (N, 2).

    t-SNE (van der Maaten and Hinton 2008). Log-probabilities of the networks of different folds
    are comparable; the hidden layers of separately fitted networks are not.
    """
    rows = log_softmax(evaluation.logits[0].astype(np.float64), axis=1)
    perplexity = min(PERPLEXITY, (len(rows) - 1) / 3)
    embedding = TSNE(perplexity=perplexity, init="pca", random_state=0)
    with threadpool_limits(1):  # so that sums keep their order
        points: Float64 = embedding.fit_transform(rows)
    return points


def _some(count: int) -> npt.NDArray[np.bool_]:
    """A mask (count,) of at most `POINTS_DRAWN`, evenly spread."""
    chosen = np.linspace(0, count - 1, min(count, POINTS_DRAWN)).round().astype(np.int64)
    return np.isin(np.arange(count), chosen)


@styled
def draw_embedding(evaluation: Evaluation) -> Figure:
    """One small scatter plot for each true emotion, among all other clips; of many clips, some."""
    evaluation = evaluation.where(_some(len(evaluation.targets)))
    labels, points = evaluation.labels, embed_predictions(evaluation)
    canvas, grid = new_grid(len(labels), columns=4, height=95, margin=30)
    for index, (axes, label) in enumerate(zip(grid, labels, strict=True)):
        axes.set_axis_off()
        true = evaluation.targets == index
        axes.plot(*points[~true].T, markersize=2, color=GREY, **POINTS)
        axes.plot(*points[true].T, markersize=4.5, color=BLUE, **POINTS)
        axes.set_title(label, loc="center", fontsize=9)
    description = (
        f"{len(labels)} scatter plots of {len(points)} predictions of {evaluation.network}, one "
        "for each true emotion. The more compact the points of an emotion, the better the network "
        "separates it from the others."
    )
    return finish(canvas, f"{evaluation.network}: t-SNE of the predictions (no unit)", description)
