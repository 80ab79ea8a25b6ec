"""The extractor of MFCCs and prosody for recordings of any sample rate, as ONNX graphs."""

import librosa
import numpy as np
import onnx
import onnxscript
import onnxscript.optimizer

from training.features.graph import (
    BIN_OF_COLUMN,
    COSINES,
    IR_VERSION,
    N_FFT,
    TOP_DB,
    Tensor,
    constant,
    decibels,
    declare,
    framed,
    op,
    power_spectra,
    trimmed,
)
from training.features.prosody_graph import prosody_of
from training.features.recipe import RECIPE
from training.features.resampling import RESAMPLERS
from training.features.resampling_graph import resampled_by

# The mel matrix is made of triangles over the frequencies of the columns, so that the file holds
# only their corners. A bin that stands in two columns counts in the first.
_FIRST_COLUMNS = np.unique(BIN_OF_COLUMN, return_index=True)[1]
_HERTZ = np.full(len(BIN_OF_COLUMN), -1.0)  # outside every triangle
_HERTZ[_FIRST_COLUMNS] = BIN_OF_COLUMN[_FIRST_COLUMNS] * RECIPE.sample_rate / N_FFT
_CORNERS = librosa.mel_frequencies(RECIPE.n_mels + 2, fmin=RECIPE.f_min, fmax=RECIPE.f_max)
HERTZ = constant(_HERTZ[:, None])
LEFT, CENTRE, RIGHT = (constant(_CORNERS[i : i + RECIPE.n_mels][None]) for i in range(3))
FOLDED_VALUES = 2_048  # larger constants are left to ONNX Runtime, so that the file stays small
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
def _features(audio: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mono audio at the recipe's rate to frames, their mean, and prosody."""
    spectra = power_spectra(framed(trimmed(audio)))
    level = decibels(op.MatMul(spectra, _mel_filters()))
    level = op.Max(level, op.ReduceMax(level, keepdims=0) - TOP_DB)
    frames = op.MatMul(level, op.Constant(value=COSINES))
    mfccs = op.ReduceMean(frames, axes=[0], keepdims=0)
    return frames, mfccs, prosody_of(spectra)


@onnxscript.script(default_opset=op)
def _downmixed(recording: Tensor) -> Tensor:
    return op.ReduceMean(recording, axes=[1], keepdims=0)


def recording_graph(rate: int) -> onnx.ModelProto:
    """The extractor for recordings at one sample rate.

    Input `audio`: float32 (samples, channels), at least one channel, finite, in [-1, 1]. Outputs:
    `frames` and `mfccs` as those of `extractor_graph`, and `prosody`, float32 (T, 3), as in
    `training.features.prosody`.

    Raises:
        KeyError: the rate is none of `training.features.resampling.RATES`.
    """
    mono = _downmixed if rate == RECIPE.sample_rate else resampled_by(RESAMPLERS[rate])

    @onnxscript.script(default_opset=op)
    def extractor(audio: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        frames, mfccs, prosody = _features(mono(audio))
        return frames, mfccs, prosody

    model: onnx.ModelProto = extractor.to_model_proto()  # type: ignore[no-untyped-call]
    declare(model.graph.input, audio=["samples", "channels"])
    shapes: dict[str, list[str | int]] = {
        "frames": ["T", RECIPE.n_mfcc],
        "mfccs": [RECIPE.n_mfcc],
        "prosody": ["T", 3],
    }
    declare(model.graph.output, **shapes)
    model = onnxscript.optimizer.optimize(model, output_size_limit=FOLDED_VALUES)
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model, full_check=True)
    return model
