"""The mistakes that clients are known to make when they compute features, and their remedies."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from training.contract.computation import Computation
from training.features.recipe import RECIPE

Overrides = Mapping[str, Any]  # fields of Computation

INT16_SCALE = 32_768.0
RATES = (8_000, 16_000, 44_100, 48_000)  # Hz, that are taken for the recipe's
RIGHT = Computation()


@dataclass(frozen=True)
class Mistake:
    """A mistake, its texts, and the variants in which clients make it."""

    code: str
    explanation: str
    remedy: str
    variants: tuple[Overrides, ...] = ()
    paired: tuple[int, ...] = (0,)  # indices of the variants that are combined with other mistakes

    def computations(self) -> tuple[Computation, ...]:
        """One computation for each variant."""
        return tuple(replace(RIGHT, **variant) for variant in self.variants)


def sample_rate(rate: int, source: int = RECIPE.sample_rate) -> Mistake:
    """A rate in Hz that is taken for another, by a client that is given audio at `source` Hz."""
    own = RECIPE.sample_rate
    variants: tuple[Overrides, ...] = (
        {"assumed_rate": rate},  # right samples, wrong filters
        {"resampled_to": rate, "assumed_rate": rate},  # the whole computation at that rate
        {"resampled_to": rate},  # wrong samples, right filters
    )
    if rate != source:
        variants += ({"resampled_to": source * own / rate},)  # resampled from the wrong rate
    return Mistake(
        f"sample-rate-{rate}",
        f"The sample rate is taken as {rate} Hz where the features need {own} Hz.",
        f"Resample from the true rate of the audio to {own} Hz; make the mel filters for {own} Hz.",
        variants,
        paired=(0, 1),
    )


def _mel_bands(bands: int) -> Mistake:
    variants: tuple[Overrides, ...] = ({"n_mels": bands},)
    if bands < RECIPE.n_mfcc:  # some libraries return at most one coefficient per band
        variants += ({"n_mels": bands, "n_mfcc": bands},)
    return Mistake(
        f"mel-bands-{bands}",
        f"There are {bands} mel bands in place of {RECIPE.n_mels}.",
        f"Use {RECIPE.n_mels} mel bands from 0 to {RECIPE.f_max:g} Hz.",
        variants,
    )


def _frame_length(samples: int) -> Mistake:
    return Mistake(
        f"frame-length-{samples}",
        f"Frames are {samples} samples long in place of {RECIPE.n_fft}.",
        f"Use frames and a transform of {RECIPE.n_fft} samples, every {RECIPE.hop_length} samples.",
        (
            {"n_fft": samples},
            {"n_fft": samples, "hop_length": samples // 4},
            {"n_fft": samples, "hop_length": samples // 2},
            {"window_length": samples},
        ),
    )


def _logarithm(code: str, name: str, field: str) -> Mistake:
    return Mistake(
        code,
        f"The {name} logarithm of the mel spectrum is taken, in place of decibels.",
        "Take 10 log10(max(power, 1e-10)), then raise all that lies 80 dB under the largest value "
        "of the clip to that floor.",
        (
            {"logarithm": field, "top_db": None},
            {"logarithm": field},  # with the floor of 80 dB
            {"logarithm": field, "top_db": None, "offset": 1e-6},
            {"logarithm": field, "top_db": None, "offset": 1e-8},
        ),
        paired=(0, 1),
    )


_WHOLE_CLIP: tuple[Overrides, ...] = (
    {"centring": "none"},
    {"centring": "none", "whole_to_power_of_two": True},
    {"centring": "constant"},  # two frames, one half of the clip in each
    {"centring": "constant", "hop_length": 1 << 30},  # the first of the two
)

MISTAKES = (
    Mistake(
        "samples-not-scaled",
        "The samples are 16-bit integers, not numbers in [-1, 1].",
        "Divide the samples by 32,768.",
        ({"gain": INT16_SCALE},),
    ),
    Mistake(
        "audio-normalised",
        "The audio is normalised by its peak or its deviation before the features are computed.",
        "Leave the loudness of the recording as it is.",
        ({"audio_normalisation": "peak"}, {"audio_normalisation": "mean and deviation"}),
        paired=(),
    ),
    *map(sample_rate, RATES),
    Mistake(
        "mel-scale-htk",
        "The mel scale is HTK's.",
        "Use Slaney's mel scale: linear up to 1,000 Hz, logarithmic above.",
        ({"mel_scale": "htk"},),
    ),
    Mistake(
        "mel-filters-without-area-norm",
        "The mel filters all have the height 1.",
        "Divide each triangle by half its width in Hz, so that all have the same area.",
        ({"mel_norm": False},),
    ),
    *map(_mel_bands, (20, 26, 40, 64, 80)),
    _logarithm("natural-logarithm", "natural", "natural"),
    _logarithm("base-10-logarithm", "base-10", "base 10"),
    Mistake(
        "no-logarithm",
        "No logarithm of the mel spectrum is taken.",
        "Turn the mel spectrum into decibels before the cosine transform.",
        ({"logarithm": "none"},),
    ),
    Mistake(
        "amplitude-spectrum",
        "The mel filters are applied to amplitudes.",
        "Square the magnitudes of the Fourier transform before the mel filters.",
        ({"exponent": 1.0}, {"exponent": 1.0, "decibels_of_amplitude": True}),
        paired=(0, 1),
    ),
    Mistake(
        "no-floor",
        "The 80 dB floor is missing.",
        "Raise all that lies more than 80 dB under the largest value of the clip to that floor.",
        ({"top_db": None},),
    ),
    Mistake(
        "dct-not-orthonormal",
        "The cosine transform is not scaled to be orthonormal.",
        "Scale it by sqrt(2 / 128), and coefficient 0 by sqrt(1 / 128) (scipy: norm='ortho').",
        ({"dct": "unscaled"}, {"dct": "sum"}, {"dct": "htk"}),
        paired=(0, 1),
    ),
    Mistake(
        "coefficient-0-left-out",
        "The first coefficient is number 1.",
        "Start at coefficient 0, the overall level.",
        ({"first_coefficient": 1}, {"first_coefficient": 1, "n_mfcc": RECIPE.n_mfcc - 1}),
    ),
    Mistake(
        "liftering",
        "The coefficients are liftered.",
        "Leave the coefficients as the cosine transform gives them.",
        ({"lifter": 22},),
    ),
    Mistake(
        "silence-not-trimmed",
        "Silence at the start and the end is not trimmed.",
        "Leave out both ends where the level lies more than 30 dB under the loudest frame.",
        ({"trim_top_db": None},),
    ),
    Mistake(
        "trimming-threshold",
        "Silence is trimmed at another level than 30 dB.",
        "Leave out both ends where the level lies more than 30 dB under the loudest frame.",
        ({"trim_top_db": 60.0}, {"trim_top_db": 20.0}),
        paired=(),
    ),
    Mistake(
        "pooling-sum",
        "The frames are summed.",
        "Take the arithmetic mean over the frames.",
        ({"pooling": "sum"},),
    ),
    Mistake(
        "pooling-median",
        "The median over the frames is taken.",
        "Take the arithmetic mean over the frames.",
        ({"pooling": "median"},),
    ),
    Mistake(
        "first-frame-only",
        "Only the first frame is used.",
        "Take the arithmetic mean over all frames.",
        ({"pooling": "first frame"},),
    ),
    Mistake(
        "whole-clip-frame",
        "The whole clip is one frame.",
        "Cut the clip into frames of 2,048 samples, every 512, and average their coefficients.",
        tuple(
            {"n_fft": None, "hop_length": None, **framing, **window, **trimming}
            for framing in _WHOLE_CLIP
            for window in ({}, {"window": "hamming"}, {"window": "rectangular"})
            for trimming in ({}, {"trim_top_db": None})
        ),
        paired=(),
    ),
    Mistake(
        "window-hamming",
        "The window is Hamming's.",
        "Use a periodic Hann window.",
        ({"window": "hamming"},),
    ),
    Mistake(
        "window-rectangular",
        "There is no window.",
        "Multiply each frame by a periodic Hann window.",
        ({"window": "rectangular"},),
    ),
    Mistake(
        "no-centring",
        "Frames start, not centre, on multiples of the hop length.",
        "Pad the clip with 1,024 zeros on both sides before framing.",
        ({"centring": "none"},),
    ),
    Mistake(
        "reflection-padding",
        "The clip is padded with its own reflection.",
        "Pad the clip with 1,024 zeros on both sides before framing.",
        ({"centring": "reflect"},),
        paired=(),
    ),
    *map(_frame_length, (512, 1_024)),
    Mistake(
        "mean-normalisation",
        "Each coefficient's mean over the clip is subtracted, so that nothing is left of it.",
        "Send the coefficients as they are: the network normalises them itself.",
        (
            {"normalisation": "mean of coefficients"},
            {"normalisation": "mean and deviation of coefficients"},
            {"normalisation": "mean of all"},
            {"normalisation": "mean and deviation of all"},
            {"normalisation": "mean and deviation of the vector"},
        ),
        paired=(),
    ),
    Mistake(
        "variance-normalisation",
        "Each coefficient is divided by its deviation over the clip.",
        "Send the coefficients as they are: the network normalises them itself.",
        ({"normalisation": "deviation of coefficients"},),
        paired=(),
    ),
    Mistake(
        "pre-emphasis",
        "The audio is pre-emphasised.",
        "Leave the spectrum of the recording as it is.",
        tuple(
            {"pre_emphasis": coefficient, "emphasis_after_trimming": after}
            for coefficient in (0.97, 0.95)
            for after in (False, True)
        ),
        paired=(0, 1),
    ),
)

# Computed by `tarsosdsp.py`, not by a variant of the recipe.
ANDROID_CLIENT = Mistake(
    "tarsosdsp-android-client",
    "The published Android client's features: TarsosDSP, two seconds as one frame.",
    "Compute the features with the extractor of this server (/init/mfcc.onnx).",
)

# Recognised by the shape or the level of the features that a client sends.
OUTWARD_MISTAKES = (
    Mistake(
        "number-of-coefficients",
        "The coefficients are right as far as they go, but there are too few or too many.",
        f"Send coefficients 0 to {RECIPE.n_mfcc - 1}.",
    ),
    Mistake(
        "amplitude-scale",
        "Only the overall level differs: the samples or the spectrum are scaled.",
        "Use samples in [-1, 1] and the plain power spectrum, without any factor.",
    ),
    Mistake(
        "transposed-frames",
        "Rows are coefficients and columns are frames.",
        "Send one row for each frame.",
    ),
)
