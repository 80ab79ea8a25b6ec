"""Resampling to the recipe's sample rate: the filters in numbers, and the reference for the graph.

librosa resamples with soxr_hq, whose filter is a sinc under a Kaiser window. These numbers were
fitted to soxr's responses to impulses, and agree with these within 0.011 dB down to -80 dB. soxr
itself loses up to 0.007 dB above 80 % of the band where it resamples in two stages; a single sinc
does not.
"""

import math
from dataclasses import dataclass

import numpy as np
import scipy.signal

from training.arrays import Float32, Float64
from training.features.recipe import RECIPE


@dataclass(frozen=True)
class Resampler:
    """A low-pass filter from one sample rate to that of the recipe.

    At `m / up` input samples from its middle, for m from -half_width to half_width, the impulse
    response is sinc(slope * m) * I0(beta * sqrt(1 - (m / half_width)^2)), scaled to a sum of `up`.
    """

    rate: int  # of the input, Hz
    cutoff: float = 0.95685  # where it loses 6 dB, as a share of the lower Nyquist frequency
    beta: float = 13.7  # of the Kaiser window
    half_length: float = 102.1  # of the window, in samples at the lower of both rates

    @property
    def up(self) -> int:
        """Output samples for each `down` input samples."""
        return RECIPE.sample_rate // math.gcd(self.rate, RECIPE.sample_rate)

    @property
    def down(self) -> int:
        """Input samples for each `up` output samples."""
        return self.rate // math.gcd(self.rate, RECIPE.sample_rate)

    @property
    def half_width(self) -> float:
        """Half of the window's length, in steps of 1 / `up` input samples."""
        return self.half_length * max(self.up, self.down)

    @property
    def slope(self) -> float:
        """Zero crossings of the sinc for each step of 1 / `up` input samples."""
        return self.cutoff / max(self.up, self.down)

    def response(self) -> Float64:
        """The impulse response, in steps of 1 / `up` input samples: float64, of odd length."""
        steps = np.arange(-math.floor(self.half_width), math.floor(self.half_width) + 1)
        window = np.i0(self.beta * np.sqrt(1 - (steps / self.half_width) ** 2))
        response = window * np.sinc(self.slope * steps)
        return np.asarray(response * self.up / response.sum())

    def resample(self, audio: Float32) -> Float32:
        """Mono audio at `rate`, (samples,), to the rate of the recipe, (samples',)."""
        resampled = scipy.signal.resample_poly(
            audio.astype(np.float64), self.up, self.down, window=self.response() / self.up
        )
        return np.asarray(resampled, np.float32)


RESAMPLERS = {
    resampler.rate: resampler
    for resampler in (
        Resampler(8_000, beta=13.705, half_length=102.167),
        Resampler(11_025, cutoff=0.956872, beta=13.04, half_length=97.25),
        Resampler(16_000, beta=13.7, half_length=102.137),
        Resampler(24_000, beta=13.7005, half_length=102.106),
        Resampler(32_000, beta=13.685, half_length=101.299),
        Resampler(44_100, cutoff=0.956872, beta=13.04, half_length=97.25),
        Resampler(48_000, beta=13.7005, half_length=102.106),
        Resampler(96_000, beta=14.395, half_length=106.813),
    )
}
RATES = (*sorted((*RESAMPLERS, RECIPE.sample_rate)),)  # Hz
