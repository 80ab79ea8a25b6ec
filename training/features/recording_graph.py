"""The extractor of MFCCs and prosody for recordings of any sample rate, as ONNX graphs."""

import librosa
import numpy as np
import onnx
import onnx.compose
import onnxscript

from training.features.graph import (
    BIN_OF_COLUMN,
    COSINES,
    N_FFT,
    TOP_DB,
    Integer,
    Shapes,
    Tensor,
    constant,
    decibels,
    finished,
    framed,
    op,
    power_spectra,
    trimmed,
)
from training.features.prosody_graph import prosody_of
from training.features.recipe import RECIPE
from training.features.recordings.statistics import STATISTICS
from training.features.recordings.statistics_graph import statistics_of
from training.features.resampling import STAGES, TAIL
from training.features.resampling_graph import filter_graph

# The mel matrix is made of triangles over the frequencies of the columns, so that the file holds
# only their corners. A bin that stands in two columns counts in the first.
_FIRST_COLUMNS = np.unique(BIN_OF_COLUMN, return_index=True)[1]
_HERTZ = np.full(len(BIN_OF_COLUMN), -1.0)  # outside every triangle
_HERTZ[_FIRST_COLUMNS] = BIN_OF_COLUMN[_FIRST_COLUMNS] * RECIPE.sample_rate / N_FFT
_CORNERS = librosa.mel_frequencies(RECIPE.n_mels + 2, fmin=RECIPE.f_min, fmax=RECIPE.f_max)
HERTZ = constant(_HERTZ[:, None])
LEFT, CENTRE, RIGHT = (constant(_CORNERS[i : i + RECIPE.n_mels][None]) for i in range(3))
RATE = RECIPE.sample_rate
AREA = constant(2 / (_CORNERS[2:] - _CORNERS[:-2])[None])


@onnxscript.script(default_opset=op)
def _mel_filters() -> Tensor:
    """Filters of equal area: (columns, n_mels)."""
    hertz = op.Constant(value=HERTZ)
    left = op.Constant(value=LEFT)
    centre = op.Constant(value=CENTRE)
    right = op.Constant(value=RIGHT)
    triangles = op.Min((hertz - left) / (centre - left), (right - hertz) / (right - centre))
    return op.Max(triangles, 0.0) * op.Constant(value=AREA)


@onnxscript.script(default_opset=op)
def _downmix(audio: Tensor) -> Tensor:
    mono = op.ReduceMean(audio, axes=[1], keepdims=0)
    return mono  # noqa: RET504  the graph takes the name


@onnxscript.script(default_opset=op)
def _downmix_with_tail(audio: Tensor) -> tuple[Tensor, Integer]:
    mono = op.ReduceMean(audio, axes=[1], keepdims=0)
    padded = op.Pad(mono, op.Constant(value_ints=[0, TAIL]))
    count = op.Shape(mono)
    return padded, count


@onnxscript.script(default_opset=op)
def _features(mono: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    spectra = power_spectra(framed(trimmed(mono)))
    level = decibels(op.MatMul(spectra, _mel_filters()))
    level = op.Max(level, op.ReduceMax(level, keepdims=0) - TOP_DB)
    frames = op.MatMul(level, op.Constant(value=COSINES))
    mfccs = op.ReduceMean(frames, axes=[0], keepdims=0)
    prosody = prosody_of(spectra)
    prosody_statistics = statistics_of(prosody)
    return frames, mfccs, prosody, prosody_statistics


def recording_graph(rate: int) -> onnx.ModelProto:
    """The extractor for recordings at one sample rate: downmix, resampling, features.

    Input `audio`: float32 (samples, channels), at least one channel, finite, in [-1, 1]. Outputs:
    `frames` and `mfccs` as those of `extractor_graph`; `prosody`, float32 (T, 3), as in
    `training.features.prosody`; and `prosody_statistics`, float32 (12,), as in
    `training.features.recordings.statistics`.

    Raises:
        KeyError: the rate is none of `training.features.resampling.RATES`.
    """
    audio: Shapes = {"audio": ["samples", "channels"]}
    if rate == RECIPE.sample_rate:
        model, signal = finished(_downmix, audio, {"mono": ["samples"]}), "mono"
    else:
        model, signal = _resampling_graph(rate, audio), "cut/mono"
    outputs: Shapes = {
        "frames": ["T", RECIPE.n_mfcc],
        "mfccs": [RECIPE.n_mfcc],
        "prosody": ["T", 3],
        "prosody_statistics": [len(STATISTICS)],
    }
    features = finished(_features, {"mono": ["samples"]}, outputs)
    features = onnx.compose.add_prefix(features, "features/", rename_outputs=False)
    return _chained(model, features, {signal: "features/mono"})


def _resampling_graph(rate: int, audio: Shapes) -> onnx.ModelProto:
    """From `audio`, (samples, channels), to `cut/mono`, (samples',), at the recipe's rate."""
    model = finished(_downmix_with_tail, audio, {"padded": ["padded samples"], "count": [1]})
    signal = "padded"
    for number, stage in enumerate(STAGES[rate], start=1):
        prefix = f"filter {number}/"
        low_pass = onnx.compose.add_prefix(filter_graph(stage), prefix)
        model = _chained(model, low_pass, {signal: f"{prefix}signal"})
        signal = f"{prefix}filtered"
    cut = onnx.compose.add_prefix(_cut_graph(rate), "cut/")
    return _chained(model, cut, {signal: "cut/long", "count": "cut/count"})


def _cut_graph(rate: int) -> onnx.ModelProto:
    """Removes the tail, as in `training.features.resampling.resample`."""
    twice = 2 * rate  # onnxscript takes names and literals only

    @onnxscript.script(default_opset=op)
    def cut(long: Tensor, count: Integer) -> Tensor:
        samples = count * RATE
        kept = (samples * 2 + rate) / twice
        missing = (samples + (rate - 1)) / rate - kept
        zero = op.Constant(value_ints=[0])
        mono = op.Pad(op.Slice(long, zero, kept), op.Concat(zero, missing, axis=0))
        return mono  # noqa: RET504  the graph takes the name

    return finished(cut, {"long": ["long samples"], "count": [1]}, {"mono": ["samples"]})


def _chained(
    first: onnx.ModelProto, second: onnx.ModelProto, names: dict[str, str]
) -> onnx.ModelProto:
    """One graph of two; `names` are outputs of the first and the inputs that take them."""
    model = onnx.compose.merge_models(first, second, io_map=[*names.items()])
    del model.opset_import[1:]  # one entry from each graph, all alike
    del model.graph.value_info[:]  # the same dimension name stands for different lengths
    onnx.checker.check_model(model, full_check=True)
    return model
