"""Plots of what a network listens to."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from training.features.recipe import RECIPE
from training.metrics import Float64
from training.report.attributions import Attribution
from training.report.drawing import Drawing, finish, new_axes, new_figure, styled

COLUMNS = 4
EVEN = "times the even share"


@styled
def draw_coefficients(
    network: str, shares: Float64, labels: Sequence[str], bands: str = "MFCC"
) -> Drawing:
    """The share of each coefficient by emotion, from `shares` (L, 20, 25)."""
    title = f"{network}: what it listens to, by coefficient"
    return _by_emotion(title, bands, (-0.5, shares.shape[2] - 0.5), shares.mean(axis=1), labels)


@styled
def draw_times(network: str, shares: Float64, labels: Sequence[str]) -> Drawing:
    """The share of each part of the clip by emotion, from `shares` (L, 20, 25)."""
    title = f"{network}: what it listens to, by time"
    return _by_emotion(title, "time (% of the clip)", (0, 100), shares.mean(axis=2), labels)


def _by_emotion(
    title: str, across: str, ends: tuple[float, float], rows: Float64, labels: Sequence[str]
) -> Drawing:
    """A heat map of `rows` (L, parts), which go from end to end."""
    figure, axes = new_axes(250)
    image = axes.imshow(
        rows,
        cmap="cividis",
        vmin=0,
        aspect="auto",
        interpolation="none",
        extent=(*ends, len(rows), 0),
    )
    axes.set_yticks(np.arange(len(rows)) + 0.5, labels)
    axes.set_xlabel(across)
    axes.grid(visible=False)
    figure.colorbar(image, ax=axes, location="bottom", aspect=40, pad=0.03).set_label(EVEN)
    peaks = zip(labels, rows.argmax(axis=1), rows.max(axis=1), strict=True)
    places = np.linspace(*ends, 2 * rows.shape[1] + 1)[1::2]  # the middle of each part
    told = ", ".join(f"{label} {places[peak]:.0f} ({share:.1f})" for label, peak, share in peaks)
    return finish(figure, title, f"{title}. Where the weight is highest, in {EVEN}: {told}.")


@styled
def draw_emotion_maps(
    network: str, shares: Float64, labels: Sequence[str], bands: str = "MFCC"
) -> Drawing:
    """Time across and coefficients upwards, one map for each emotion, from `shares` (L, 20, 25)."""
    rows = -(-len(labels) // COLUMNS)
    figure = new_figure(50 + 100 * rows)
    grid = figure.subplots(rows, COLUMNS, squeeze=False, sharex=True, sharey=True)
    for axes in grid.flat[len(labels) :]:
        axes.set_axis_off()
    used = list(grid.flat[: len(labels)])
    for axes, label, share in zip(used, labels, shares, strict=True):
        axes.set_title(label, loc="center", fontsize=9)
        image = heat_map(axes, share, 100, cmap="cividis", vmin=0, vmax=shares.max())
    figure.supxlabel("time (% of the clip)", fontsize=10)
    figure.supylabel(bands, fontsize=10)
    figure.colorbar(image, ax=used, aspect=30).set_label(EVEN)
    title = f"{network}: what it listens to, by time and coefficient"
    return finish(figure, title, f"{title}, in {EVEN}: one map for each of {', '.join(labels)}.")


@styled
def draw_example(network: str, example: Attribution, label: str) -> Drawing:
    """One clip: its coefficients above, what each spoke for or against its emotion below."""
    figure = new_figure(360)
    above, below = figure.subplots(2, 1, sharex=True)
    seconds = len(example.frames) * RECIPE.hop_length / RECIPE.sample_rate
    spread = np.maximum(example.frames.std(axis=0), 1e-6)
    heard = (example.frames - example.frames.mean(axis=0)) / spread
    limit = float(np.quantile(np.abs(example.weights), 0.995))
    upper = heat_map(above, heard, seconds, cmap="cividis", vmin=-3, vmax=3)
    lower = heat_map(below, example.weights, seconds, cmap="RdBu_r", vmin=-limit, vmax=limit)
    figure.colorbar(upper, ax=above).set_label("deviations")
    figure.colorbar(lower, ax=below).set_label("for (+), against (-), nats")
    above.set(ylabel="MFCC")
    below.set(ylabel="MFCC", xlabel="time (s)")
    description = (
        f"One clip of {seconds:.1f} s, {label}. Above, its coefficients from their means, in "
        f"standard deviations; below, what each adds to the log-probability that {network} gives "
        f"to {label}: {example.weights.sum():.1f} nats in all."
    )
    return finish(figure, f"{network}: one clip, {label}", description)


def heat_map(axes: Axes, values: Float64, right: float, **colours: Any) -> AxesImage:
    """Draws `values` (T, 25), time from 0 to `right`."""
    axes.grid(visible=False)
    extent = (0, right, -0.5, values.shape[1] - 0.5)
    return axes.imshow(
        values.T, origin="lower", aspect="auto", interpolation="none", extent=extent, **colours
    )
