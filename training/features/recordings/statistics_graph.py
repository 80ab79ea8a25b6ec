"""The statistics of `training.features.recordings.statistics` in ONNX."""

import onnxscript

from training.features.graph import Tensor, constant, op
from training.features.recordings import statistics as reference

HOP_SECONDS = constant(reference.HOP_SECONDS)
LOW = reference.LOW
HIGH = reference.HIGH
REPEAT_FIRST = [1, 0, 0, 0]
LEAST = 1e-6  # square seconds; two frames already have more


@onnxscript.script(default_opset=op)
def _quantile(falling: Tensor, count: Tensor, share: Tensor) -> Tensor:
    """Quantile of the first values of a falling row, as np.quantile: (T,), (1,), (1,) -> (1,)."""
    last = op.Max(count - 1.0, 0.0)
    place = last * (1.0 - share)
    before = op.Floor(place)
    after = op.Min(before + 1.0, last)
    high = op.Gather(falling, op.Cast(before, to=7))
    low = op.Gather(falling, op.Cast(after, to=7))
    return high - (high - low) * (place - before)


@onnxscript.script(default_opset=op)
def _falling(values: Tensor) -> Tensor:
    """A column in falling order: (T, 1) -> (T,)."""
    row = op.Reshape(values, op.Constant(value_ints=[-1]))
    ordered, _ = op.TopK(row, op.Shape(row), axis=0)
    return ordered


@onnxscript.script(default_opset=op)
def _mean(values: Tensor, weights: Tensor) -> Tensor:
    """The mean of the values with weight 1, or 0 if there are none: (T, 1) twice -> (1, 1)."""
    axis = op.Constant(value_ints=[0])
    return op.ReduceSum(values * weights, axis) / op.Max(op.ReduceSum(weights, axis), 1.0)


@onnxscript.script(default_opset=op)
def _slope(values: Tensor, weights: Tensor, times: Tensor) -> Tensor:
    """Least squares over the values with weight 1: (T, 1) three times -> (1, 1)."""
    axis = op.Constant(value_ints=[0])
    away = (times - _mean(times, weights)) * weights
    spread = op.Max(op.ReduceSum(away * away, axis), LEAST)
    return op.ReduceSum(away * values, axis) / spread


@onnxscript.script(default_opset=op)
def _deviation(values: Tensor, weights: Tensor) -> Tensor:
    away = values - _mean(values, weights)
    return op.Sqrt(_mean(away * away, weights))


@onnxscript.script(default_opset=op)
def _earlier(column: Tensor) -> Tensor:
    """The value of the frame before, and of the first frame itself: (T, 1) -> (T, 1)."""
    padded = op.Pad(column, op.Constant(value_ints=REPEAT_FIRST), mode="edge")
    count = op.Slice(op.Shape(column), op.Constant(value_ints=[0]), op.Constant(value_ints=[1]))
    return op.Slice(padded, op.Constant(value_ints=[0]), count)


@onnxscript.script(default_opset=op)
def statistics_of(prosody: Tensor) -> Tensor:
    """The twelve statistics: (T, 3) -> (12,)."""
    octaves, voicing, level = op.Split(prosody, op.Constant(value_ints=[1, 1, 1]), axis=1)
    voiced = op.Cast(octaves > 0.0, to=1)
    every = voiced * 0.0 + 1.0
    places = op.CumSum(every, op.Constant(value_int=0))
    times = places * op.Constant(value=HOP_SECONDS)
    later = op.Min(places - 1.0, 1.0)  # 0 for the first frame, which has none before it

    pitches = _falling(octaves)  # unvoiced frames, which are 0, come last
    number = op.Reshape(op.ReduceSum(voiced), op.Constant(value_ints=[1]))
    f0_low = _quantile(pitches, number, op.Constant(value_floats=[LOW]))
    f0_middle = _quantile(pitches, number, op.Constant(value_floats=[0.5]))
    f0_high = _quantile(pitches, number, op.Constant(value_floats=[HIGH]))
    centred = (octaves - _mean(octaves, voiced)) * voiced
    steps = op.Abs(octaves - _earlier(octaves))
    f0_movement = _mean(steps, voiced * _earlier(voiced) * later)

    levels = _falling(level)
    frames = op.Cast(op.Shape(levels), to=1)
    level_low = _quantile(levels, frames, op.Constant(value_floats=[LOW]))
    level_high = _quantile(levels, frames, op.Constant(value_floats=[HIGH]))
    flat = op.Constant(value_ints=[-1])
    return op.Concat(
        f0_low,
        f0_middle,
        f0_high,
        op.Reshape(_deviation(octaves, voiced), flat),
        op.Reshape(_slope(centred, voiced, times), flat),
        op.Reshape(f0_movement, flat),
        op.Reshape(_mean(voiced, every), flat),
        op.Reshape(_mean(voicing, every), flat),
        op.Reshape(_deviation(level, every), flat),
        op.Reshape(_mean(op.Abs(level - _earlier(level)), later), flat),
        level_high - level_low,
        op.Reshape(_slope(level - _mean(level, every), every, times), flat),
        axis=0,
    )
