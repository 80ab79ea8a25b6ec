"""Resampling in ONNX: for each filter, one convolution with one output channel for each phase.

Output sample q * phases + p lies p * down / up input samples after input sample q * stride, so
that every phase p has its own filter and all of them move on by the same stride. The graph computes
the filters from the few numbers of a `Stage`: ONNX Runtime does so once, when it loads the file,
and the file stays small.
"""

import math
from collections.abc import Callable

import numpy as np
import onnx
import onnxscript

from training.features.graph import Tensor, constant, finished, op
from training.features.prosody_graph import integers
from training.features.resampling import Stage

FEWEST_PHASES = 100  # a convolution with fewer channels takes longer for the same output
TERMS = 40  # of the power series of I0: rounding errors are larger than what is left


def _series(beta: float) -> tuple[onnx.TensorProto, onnx.TensorProto]:
    """Exponents k, (1, TERMS), and factors, (TERMS, 1), of (1 - x^2)^k in the Kaiser window.

    The window is I0(beta sqrt(1 - x^2)) / I0(beta).
    """
    exponents = np.arange(TERMS)
    factorials = np.array([math.factorial(k) for k in range(TERMS)], dtype=np.float64)
    factors = (beta / 2) ** (2.0 * exponents) / factorials**2 / np.i0(beta)
    return constant(exponents[None]), constant(factors[:, None])


def _half_response(stage: Stage) -> Callable[[], Tensor]:
    """An ONNX function: the response from its middle to its end, and a zero, (steps + 2,)."""
    exponents, factors = _series(stage.beta)
    count = integers(stage.steps + 1)
    inverse_half_width = constant(1 / stage.half_width)
    slope = constant(np.pi * stage.slope)
    peak = constant(stage.response().max())

    @onnxscript.script(default_opset=op)
    def half_response() -> Tensor:
        zero = op.Constant(value_int=0)
        one = op.Constant(value_int=1)
        axis = op.Constant(value_ints=[1])
        steps = op.Cast(op.Range(zero, op.Constant(value=count), one), to=1)
        place = steps * op.Constant(value=inverse_half_width)
        base = op.Unsqueeze(op.Log(1.0 - place * place), axis)
        powers = op.Exp(base * op.Constant(value=exponents))
        window = op.Squeeze(op.MatMul(powers, op.Constant(value=factors)), axis)
        angle = op.Max(steps * op.Constant(value=slope), 1e-6)
        half = window * (op.Sin(angle) / angle) * op.Constant(value=peak)
        return op.Concat(half, op.Constant(value_floats=[0.0]), axis=0)

    return half_response


def filter_graph(stage: Stage) -> onnx.ModelProto:
    """A graph from `signal`, (samples,), to `filtered`, (ceil(samples * up / down),)."""
    up, down = stage.up, stage.down
    blocks = math.ceil(FEWEST_PHASES / up)
    phases, stride = up * blocks, down * blocks
    reach = math.ceil(stage.half_length)  # input samples on either side
    taps = 2 * reach + stride
    positions = integers((np.arange(taps) - reach)[None, None] * up)
    starts = integers(np.arange(phases)[:, None, None] * down)
    beyond = integers(stage.steps + 1)  # the index of the zero
    margins = [0, 0, reach, 0, 0, taps]
    half_response = _half_response(stage)

    @onnxscript.script(default_opset=op)
    def low_pass(signal: Tensor) -> Tensor:
        distance = op.Abs(op.Constant(value=positions) - op.Constant(value=starts))
        filters = op.Gather(half_response(), op.Min(distance, op.Constant(value=beyond)))
        channel = op.Reshape(signal, op.Constant(value_ints=[1, 1, -1]))
        padded = op.Pad(channel, op.Constant(value_ints=margins))
        channels = op.Conv(padded, filters, strides=[stride])  # (1, phases, blocks)
        samples = op.Reshape(op.Transpose(channels, perm=[0, 2, 1]), op.Constant(value_ints=[-1]))
        count = (op.Shape(signal) * up + (down - 1)) / down
        filtered = op.Slice(samples, op.Constant(value_ints=[0]), count)
        return filtered  # noqa: RET504  the graph takes the name

    return finished(low_pass, {"signal": ["samples"]}, {"filtered": ["filtered samples"]})
