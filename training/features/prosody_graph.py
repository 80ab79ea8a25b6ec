"""Pitch, voicing and level in ONNX, from the spectra of the extractor's graph.

The algorithm and its constants are those of `training.features.prosody`. The graph computes the
matrix of the transform itself: ONNX Runtime does so once, when it loads the file, and the file
stays small.
"""

import numpy as np
import onnx
import onnx.numpy_helper
import onnxscript
from numpy.typing import ArrayLike

from training.features import prosody as reference
from training.features.graph import AMIN, BIN_OF_COLUMN, N_FFT, Tensor, constant, decibels, op

LAGS = reference.LAGS
NEIGHBOURS = reference.NEIGHBOURS
CLIP_COST = reference.CLIP_COST
NEIGHBOUR_COST = reference.NEIGHBOUR_COST
VOICED_FROM = reference.VOICED_FROM
IMPOSSIBLE = reference.IMPOSSIBLE


def integers(values: ArrayLike) -> onnx.TensorProto:
    """Values as int64, for the attribute `value` of the operator Constant."""
    return onnx.numpy_helper.from_array(np.asarray(values, dtype=np.int64))


def _power_weights() -> onnx.TensorProto:
    """Weights of the columns that add up to the mean square of a frame: float32 (columns, 1)."""
    sides = np.where((BIN_OF_COLUMN == 0) | (BIN_OF_COLUMN == N_FFT // 2), 1, 2)
    weights = sides / np.bincount(BIN_OF_COLUMN)[BIN_OF_COLUMN]
    return constant(weights[:, None] / reference.SCALE)


COLUMNS = integers([np.argmax(k == BIN_OF_COLUMN) for k in reference.BINS])
BINS = integers(reference.BINS[:, None])
LAG_ROW = integers(LAGS[None])
PERIOD = integers(N_FFT)
TURN = constant(2 * np.pi / N_FFT)
WINDOW_AUTOCORRELATION = constant(reference.WINDOW_AUTOCORRELATION)
POWER_WEIGHTS = _power_weights()
CANDIDATES = constant(reference.CANDIDATES)
CANDIDATE_OCTAVES = constant(reference.CANDIDATE_OCTAVES)
OCTAVE_COSTS = constant(reference.OCTAVE_COSTS)
OCTAVES_OF_LAG_1 = constant(np.log2(reference.RATE / reference.REFERENCE_HZ))
OCTAVES = constant(1 / np.log(2))  # factor for a natural logarithm
ROUNDING = constant(reference.ROUNDING * reference.SCALE)
FLATTEST = constant(reference.FLATTEST)

FIRST, LAST = [0], [len(LAGS)]
SECOND, SECOND_LAST = [1], [len(LAGS) - 1]
THIRD, THIRD_LAST = [2], [len(LAGS) - 2]
EDGES = [NEIGHBOURS, 0, NEIGHBOURS, 0]
ALONG_ROWS = [1]


@onnxscript.script(default_opset=op)
def _autocorrelation(spectra: Tensor, power: Tensor) -> Tensor:
    """Normalised autocorrelation at the lags: (T, columns) and (T, 1) -> (T, lags)."""
    axis = op.Constant(value_ints=ALONG_ROWS)
    band = op.Gather(spectra, op.Constant(value=COLUMNS), axis=1)
    least = op.Max(power * op.Constant(value=ROUNDING), op.Constant(value=AMIN))
    total = op.Max(op.ReduceSum(band, axis), least)
    turns = op.Constant(value=BINS) * op.Constant(value=LAG_ROW)
    angles = op.Cast(op.Mod(turns, op.Constant(value=PERIOD)), to=1) * op.Constant(value=TURN)
    cosines = op.Cos(angles) / op.Constant(value=WINDOW_AUTOCORRELATION)
    return op.MatMul(band, cosines) / total


@onnxscript.script(default_opset=op)
def _weighed(scores: Tensor, height: Tensor, expected: Tensor, cost: Tensor) -> Tensor:
    """Scores less a cost for each octave from the expected pitch: (T, candidates)."""
    distance = op.Abs(op.Constant(value=CANDIDATE_OCTAVES) - expected)
    return scores - distance * (cost * (1.0 - op.Clip(height, 0.0, 1.0)))


@onnxscript.script(default_opset=op)
def _median(octave: Tensor) -> Tensor:
    """Median over each frame and its neighbours, the ends repeated: (T, 1) -> (T, 1)."""
    padded = op.Pad(octave, op.Constant(value_ints=EDGES), mode="edge")
    count = op.Slice(op.Shape(octave), op.Constant(value_ints=[0]), op.Constant(value_ints=[1]))
    one = op.Constant(value_ints=[1])
    two = op.Constant(value_ints=[2])
    three = op.Constant(value_ints=[3])
    four = op.Constant(value_ints=[4])
    windows = op.Concat(
        op.Slice(padded, op.Constant(value_ints=[0]), count),
        op.Slice(padded, one, count + one),
        op.Slice(padded, two, count + two),
        op.Slice(padded, three, count + three),
        op.Slice(padded, four, count + four),
        axis=1,
    )
    largest, _ = op.TopK(windows, three, axis=1)  # of five, in falling order
    return op.Slice(largest, two, three, one)


@onnxscript.script(default_opset=op)
def _octave(lag: Tensor) -> Tensor:
    return op.Constant(value=OCTAVES_OF_LAG_1) - op.Log(lag) * op.Constant(value=OCTAVES)


@onnxscript.script(default_opset=op)
def _pitch(correlation: Tensor) -> tuple[Tensor, Tensor]:
    """Pitch in octaves and height of the peak chosen in each frame: (T, 1) each."""
    axis = op.Constant(value_ints=ALONG_ROWS)
    before = op.Slice(
        correlation, op.Constant(value_ints=FIRST), op.Constant(value_ints=THIRD_LAST), axis
    )
    here = op.Slice(
        correlation, op.Constant(value_ints=SECOND), op.Constant(value_ints=SECOND_LAST), axis
    )
    after = op.Slice(correlation, op.Constant(value_ints=THIRD), op.Constant(value_ints=LAST), axis)
    is_peak = op.And(here > before, here >= after)
    slope = (before - after) * 0.5
    curvature = op.Min(before - here - here + after, op.Constant(value=FLATTEST))
    shift = op.Clip(slope / curvature, -0.5, 0.5)
    heights = op.Where(is_peak, here - slope * shift * 0.5, 0.0)
    scores = op.Where(is_peak, heights - op.Constant(value=OCTAVE_COSTS), IMPOSSIBLE)
    lags = op.Constant(value=CANDIDATES) + shift

    best = op.ArgMax(scores, axis=1)
    height = op.GatherElements(heights, best, axis=1)
    octave = _octave(op.GatherElements(lags, best, axis=1))
    weight = op.Max(height - VOICED_FROM, 0.0)
    total = op.Max(op.ReduceSum(weight), 1e-6)
    mean = op.ReduceSum(weight * octave) / total

    best = op.ArgMax(_weighed(scores, height, mean, CLIP_COST), axis=1)
    height = op.GatherElements(heights, best, axis=1)
    median = _median(_octave(op.GatherElements(lags, best, axis=1)))

    best = op.ArgMax(_weighed(scores, height, median, NEIGHBOUR_COST), axis=1)
    height = op.GatherElements(heights, best, axis=1)
    octave = _octave(op.GatherElements(lags, best, axis=1))
    return octave, height


@onnxscript.script(default_opset=op)
def prosody_of(spectra: Tensor) -> Tensor:
    """Log F0, voicing and level: (T, columns) of `power_spectra` -> (T, 3)."""
    power = op.MatMul(spectra, op.Constant(value=POWER_WEIGHTS))
    octave, height = _pitch(_autocorrelation(spectra, power))
    log_f0 = op.Where(height > VOICED_FROM, octave, 0.0)
    voicing = op.Clip(height, 0.0, 1.0)
    return op.Concat(log_f0, voicing, decibels(power), axis=1)
