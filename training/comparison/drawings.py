"""The plots of a comparison."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnx.numpy_helper

from training.arrays import Float32
from training.comparison.results import Comparison, Result
from training.comparison.tables import best_first
from training.corpora.reader import Corpus
from training.features.recipe import RECIPE
from training.report.attributions import Attribution
from training.report.clips import draw_speakers, draw_spectrograms, draw_waveforms, examples
from training.report.corpus import CorpusSummary, draw_emotions, draw_lengths
from training.report.drawing import SERIES, Drawing, finish, new_axes, new_figure, styled
from training.report.results import draw_confusion_matrix
from training.report.saliency_maps import heat_map
from training.systems.base.system import RANDOM, SPEAKER_SEPARATED

COLUMNS = 8
LARGEST_GRID = 64  # filters that are shown
ROW = 22  # points


def draw(comparison: Comparison, corpus: Corpus, models: Path) -> dict[str, Drawing]:
    """Every plot, by the name of its file."""
    drawings = {"gap": draw_gap(comparison), **draw_corpus(corpus)}
    for result in comparison.results:
        name = re.sub(r"[^A-Za-z0-9]+", "-", result.system)
        if SPEAKER_SEPARATED in result.protocols:
            drawings[f"confusion-{name}"] = draw_confusion(result, comparison.labels)
        filters = first_filters(models / f"{result.system}.onnx")
        if filters is not None:
            drawings[f"filters-{name}"] = draw_filters(_short(result.system), filters)
    return drawings


def draw_confusion(result: Result, labels: Sequence[str]) -> Drawing:
    """On new speakers, all folds together."""
    counts = np.array(result.protocols[SPEAKER_SEPARATED].confusion)
    return draw_confusion_matrix(_short(result.system), counts, labels)


def _short(system: str) -> str:
    """A title has one line."""
    return system.rpartition("/")[2]


def draw_corpus(corpus: Corpus) -> dict[str, Drawing]:
    """What the corpus holds."""
    summary = CorpusSummary.of(corpus)
    chosen = examples(corpus)
    return {
        "corpus-emotions": draw_emotions(summary),
        "corpus-lengths": draw_lengths(summary),
        "corpus-speakers": draw_speakers(corpus),
        "corpus-waveforms": draw_waveforms(chosen),
        "corpus-spectrograms": draw_spectrograms(chosen),
    }


@styled
def draw_gap(comparison: Comparison) -> Drawing:
    """Each system's recall on new speakers and on a random split, joined by a line."""
    names = best_first(comparison)
    by_name = {result.system: result for result in comparison.results}
    figure, axes = new_axes(90 + ROW * len(names))
    told = []
    for row, name in enumerate(names):
        found = by_name[name].protocols
        uars = {protocol: 100 * found[protocol].figures["uar"].mean for protocol in found}
        axes.plot(list(uars.values()), [row] * len(uars), color=SERIES[0].light, lw=1.5)
        axes.plot(uars[SPEAKER_SEPARATED], row, "o", color=SERIES[0].light)
        if RANDOM in uars:
            axes.plot(uars[RANDOM], row, "D", color=SERIES[1].light)
        told.append(f"{name} " + ", ".join(f"{p} {uar:.1f} %" for p, uar in uars.items()))
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set(xlim=(0, 100), xlabel="UAR (%): circle new speakers, diamond random split")
    title = f"{comparison.corpus.name}: what a random split promises"
    return finish(figure, title, f"{title}. {'; '.join(told)}.")


def first_filters(path: Path) -> Float32 | None:
    """The kernels (channels, height, width) of a network's first convolution, if it has one."""
    graph = onnx.load(path).graph
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    if not convolutions:
        return None
    by_name = {tensor.name: tensor for tensor in graph.initializer}
    weights = onnx.numpy_helper.to_array(by_name[convolutions[0].input[1]])
    kernels = weights.mean(axis=1)  # over the input channels
    return np.asarray(kernels if kernels.ndim == 3 else kernels[:, np.newaxis], np.float32)


@styled
def draw_filters(name: str, filters: Float32) -> Drawing:
    """The kernels of the first convolution, each on its own scale about zero."""
    shown = filters[:LARGEST_GRID]
    rows = -(-len(shown) // COLUMNS)
    height = max(14, 36 * shown.shape[1] / shown.shape[2])
    figure = new_figure(round(50 + rows * height))
    grid = figure.subplots(rows, COLUMNS, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for axes, kernel in zip(grid.flat, shown, strict=False):
        limit = max(float(np.abs(kernel).max()), 1e-9)
        axes.imshow(
            kernel, cmap="RdBu", vmin=-limit, vmax=limit, aspect="auto", interpolation="none"
        )
    title = f"{name}: filters of the first convolution"
    size = " x ".join(map(str, shown.shape[1:]))
    told = f"{title}: {len(shown)} of {len(filters)}, {size} each; red is negative, blue positive."
    return finish(figure, title, told)


@styled
def draw_saliency(name: str, clip: Attribution, label: str, bands: str) -> Drawing:
    """One clip above; below, how much each number of it moves the logit of the winning label."""
    figure = new_figure(360)
    above, below = figure.subplots(2, 1, sharex=True)
    seconds = len(clip.frames) * RECIPE.hop_length / RECIPE.sample_rate
    weights = np.abs(clip.weights)
    deviations = np.maximum(clip.frames.std(axis=0), 1e-6)
    heard = (clip.frames - clip.frames.mean(axis=0)) / deviations
    upper = heat_map(above, heard, seconds, cmap="cividis", vmin=-3, vmax=3)
    highest = float(np.quantile(weights, 0.995))
    lower = heat_map(below, weights, seconds, cmap="magma", vmin=0, vmax=highest)
    figure.colorbar(upper, ax=above).set_label("deviations")
    figure.colorbar(lower, ax=below).set_label("|gradient|")
    above.set(ylabel=bands)
    below.set(ylabel=bands, xlabel="time (s)")
    title = f"{name}: saliency of one clip, heard as {label}"
    told = f"{title}. Above, its {bands}s from their means; below, how far each moves the logit."
    return finish(figure, title, told)
