"""Downmix and resampling in ONNX: one convolution, with one output channel for each phase.

Output sample q * phases + p lies p * down / up input samples after input sample q * stride, so
that every phase p has its own filter and all of them move on by the same stride. The graph computes
the filters from the few numbers of a `Resampler`: ONNX Runtime does so once, when it loads the
file, and the file stays small.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import onnxscript

from training.features.graph import Tensor, constant, op
from training.features.prosody_graph import integers
from training.features.resampling import Resampler

FEWEST_PHASES = 100  # a convolution with fewer channels takes longer for the same output
TERMS = 40  # of the power series of I0: rounding errors are larger than what is left


def _series(beta: float) -> tuple[Any, Any]:
    """Exponents k and factors of (1 - x^2)^k in I0(beta sqrt(1 - x^2)) / I0(beta): (1, TERMS)."""
    exponents = np.arange(TERMS)
    factorials = np.array([math.factorial(k) for k in range(TERMS)], dtype=np.float64)
    factors = (beta / 2) ** (2.0 * exponents) / factorials**2 / np.i0(beta)
    return constant(exponents), constant(factors[:, None])


def resampled_by(resampler: Resampler) -> Callable[[Tensor], Tensor]:
    """An ONNX function from recordings (samples, channels) to mono at the recipe's rate."""
    up, down = resampler.up, resampler.down
    blocks = math.ceil(FEWEST_PHASES / up)
    phases, stride = up * blocks, down * blocks
    steps = math.floor(resampler.half_width)
    reach = math.ceil(resampler.half_width / up)  # input samples on either side
    taps = 2 * reach + stride
    exponents, factors = _series(resampler.beta)

    positions = integers((np.arange(taps) - reach)[None, None] * up)
    starts = integers(np.arange(phases)[:, None, None] * down)
    inverse_half_width = constant(1 / resampler.half_width)
    slope = constant(np.pi * resampler.slope)
    gain = constant(resampler.response().max())
    beyond = integers(steps + 1)
    margins = [0, 0, reach, 0, 0, taps]

    @onnxscript.script(default_opset=op)
    def response() -> Tensor:
        """The impulse response from its middle to its end, then a zero: (steps + 2,)."""
        zero = op.Constant(value_int=0)
        one = op.Constant(value_int=1)
        step = op.Cast(op.Range(zero, op.Constant(value=beyond), one), to=1)
        place = step * op.Constant(value=inverse_half_width)
        base = op.Unsqueeze(op.Log(1.0 - place * place), op.Constant(value_ints=[1]))
        powers = op.Exp(base * op.Constant(value=exponents))
        window = op.MatMul(powers, op.Constant(value=factors))
        angle = op.Max(step * op.Constant(value=slope), 1e-6)
        sinc = op.Sin(angle) / angle
        half = op.Squeeze(window, op.Constant(value_ints=[1])) * sinc * op.Constant(value=gain)
        return op.Concat(half, op.Constant(value_floats=[0.0]), axis=0)

    @onnxscript.script(default_opset=op)
    def resampled(recording: Tensor) -> Tensor:
        mono = op.ReduceMean(recording, axes=[1], keepdims=0)
        distance = op.Abs(op.Constant(value=positions) - op.Constant(value=starts))
        filters = op.Gather(response(), op.Min(distance, op.Constant(value=beyond)))
        signal = op.Reshape(mono, op.Constant(value_ints=[1, 1, -1]))
        padded = op.Pad(signal, op.Constant(value_ints=margins))
        channels = op.Conv(padded, filters, strides=[stride])  # (1, phases, blocks)
        samples = op.Reshape(op.Transpose(channels, perm=[0, 2, 1]), op.Constant(value_ints=[-1]))
        count = (op.Shape(mono) * up + (down - 1)) / down
        return op.Slice(samples, op.Constant(value_ints=[0]), count)

    return resampled
