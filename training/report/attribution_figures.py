"""Figures of attributions, and of the filters of convolutions."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.numpy_helper
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from training.arrays import Float32, Float64
from training.features.recipe import RECIPE
from training.report.attribution import Attribution
from training.report.figure import Figure, finish, new_axes, new_canvas, new_grid, styled

MFCC = "MFCC"
UNIT = "relative to uniform"
SHOWN_FILTERS = 64


@styled
def draw_coefficients(
    network: str, shares: Float64, labels: Sequence[str], axis: str = MFCC
) -> Figure:
    """The share of each input number by emotion, from `shares` (L, 20, B)."""
    title = f"{network}: attribution by input feature"
    return _by_emotion(title, axis, (-0.5, shares.shape[2] - 0.5), shares.mean(axis=1), labels)


@styled
def draw_times(network: str, shares: Float64, labels: Sequence[str]) -> Figure:
    """The share of each part of the clip by emotion, from `shares` (L, 20, B)."""
    title = f"{network}: attribution by time"
    return _by_emotion(title, "time (% of the clip)", (0, 100), shares.mean(axis=2), labels)


def _by_emotion(
    title: str, axis: str, ends: tuple[float, float], rows: Float64, labels: Sequence[str]
) -> Figure:
    """A heat map of `rows` (L, parts) whose horizontal axis has these ends."""
    canvas, axes = new_axes(250)
    image = axes.imshow(rows, vmin=0, extent=(*ends, len(rows), 0))
    axes.set_yticks(np.arange(len(rows)) + 0.5, labels)
    axes.set_xlabel(axis)
    axes.grid(visible=False)
    canvas.colorbar(image, ax=axes, location="bottom", aspect=40, pad=0.03).set_label(UNIT)
    peaks = zip(labels, rows.argmax(axis=1), rows.max(axis=1), strict=True)
    places = np.linspace(*ends, 2 * rows.shape[1] + 1)[1::2]  # the middle of each part
    maxima = ", ".join(f"{label} {places[peak]:.0f} ({share:.1f})" for label, peak, share in peaks)
    return finish(canvas, title, f"{title}. Maximum of each emotion, {UNIT}: {maxima}.")


@styled
def draw_emotion_maps(
    network: str, shares: Float64, labels: Sequence[str], axis: str = MFCC
) -> Figure:
    """One map for each emotion, time across and input numbers upwards, from (L, 20, B)."""
    canvas, grid = new_grid(len(labels), columns=4, height=100, margin=50, sharex=True, sharey=True)
    for axes, label, share in zip(grid, labels, shares, strict=True):
        axes.set_title(label, loc="center", fontsize=9)
        image = heat_map(axes, share, 100, vmin=0, vmax=shares.max())
    canvas.supxlabel("time (% of the clip)", fontsize=10)
    canvas.supylabel(axis, fontsize=10)
    canvas.colorbar(image, ax=grid, aspect=30).set_label(UNIT)
    title = f"{network}: attribution by time and feature"
    return finish(canvas, title, f"{title}, {UNIT}: one map for each of {', '.join(labels)}.")


@styled
def draw_example(network: str, example: Attribution, label: str, axis: str = MFCC) -> Figure:
    """One clip: its frames above, their contributions to the label's log-probability below."""
    canvas = new_canvas(360)
    above, below = canvas.subplots(2, 1, sharex=True)
    seconds = len(example.frames) * RECIPE.hop_length / RECIPE.sample_rate
    spread = np.maximum(example.frames.std(axis=0), 1e-6)
    standardised = (example.frames - example.frames.mean(axis=0)) / spread
    limit = max(float(np.quantile(np.abs(example.weights), 0.995)), 1e-9)
    upper = heat_map(above, standardised, seconds, vmin=-3, vmax=3)
    lower = heat_map(below, example.weights, seconds, cmap="RdBu_r", vmin=-limit, vmax=limit)
    canvas.colorbar(upper, ax=above).set_label("standard deviations")
    canvas.colorbar(lower, ax=below).set_label("contribution (nats)")
    above.set(ylabel=axis)
    below.set(ylabel=axis, xlabel="time (s)")
    description = (
        f"One clip of {seconds:.1f} s, {label}. Above, its input features, standardised over the "
        f"clip; below, the contribution of each to the log-probability that {network} gives to "
        f"{label}: {example.weights.sum():.1f} nats in all."
    )
    return finish(canvas, f"{network}: attribution for one clip, {label}", description)


def heat_map(axes: Axes, values: Float64, right: float, **colours: Any) -> AxesImage:
    """Draw `values` (T, B), time from 0 to `right`."""
    axes.grid(visible=False)
    extent = (0, right, -0.5, values.shape[1] - 0.5)
    return axes.imshow(values.T, origin="lower", extent=extent, **colours)


def first_filters(path: Path) -> Float32 | None:
    """Return the kernels (channels, height, width) of the first convolution, if there is one.

    The kernels are means over the input channels.
    """
    graph = onnx.load(path).graph
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    if not convolutions:
        return None
    by_name = {tensor.name: tensor for tensor in graph.initializer}
    weights = onnx.numpy_helper.to_array(by_name[convolutions[0].input[1]])
    kernels = weights.mean(axis=1)
    return np.asarray(kernels if kernels.ndim == 3 else kernels[:, np.newaxis], np.float32)


@styled
def draw_filters(network: str, filters: Float32) -> Figure:
    """Up to 64 kernels of the first convolution, each on a scale of its own around zero."""
    shown = filters[:SHOWN_FILTERS]
    height = max(14, 36 * shown.shape[1] / shown.shape[2])
    canvas, grid = new_grid(len(shown), columns=8, height=height, margin=50)
    for axes, kernel in zip(grid, shown, strict=True):
        axes.axis("off")
        limit = max(float(np.abs(kernel).max()), 1e-9)
        axes.imshow(kernel, cmap="RdBu", vmin=-limit, vmax=limit)
    title = f"{network}: filters of the first convolution"
    size = " x ".join(map(str, shown.shape[1:]))
    numbers = f"{len(shown)} of {len(filters)}, {size} each"
    return finish(canvas, title, f"{title}: {numbers}; red is negative, blue positive.")
