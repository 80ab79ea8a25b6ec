"""The mistakes that clients make before the features, in resampling and downmix."""

from training.contract.mistakes import ANDROID_CLIENT, MISTAKES, OUTWARD_MISTAKES, Mistake

_FILTER = (
    "Resample with a low-pass filter that removes all above 11,025 Hz, such as soxr's, or send the "
    "recording as it is to the extractor for its sample rate (/init/configuration, recordings)."
)
_MEAN = (
    "Take the arithmetic mean of the channels, or send all of them to the extractor for the "
    "recording's sample rate (/init/configuration, recordings)."
)

LINEAR = Mistake(
    "resampling-linear",
    "The recording is resampled by linear interpolation, so that high sounds alias.",
    _FILTER,
)
NEAREST = Mistake(
    "resampling-nearest",
    "The recording is resampled by taking the nearest sample, so that high sounds alias.",
    _FILTER,
)
NO_LOW_PASS = Mistake(
    "resampling-no-low-pass",
    "The recording is resampled without a low-pass filter, so that high sounds alias.",
    _FILTER,
)
ONE_CHANNEL = Mistake(
    "downmix-one-channel",
    "Only one channel of the recording is used.",
    _MEAN,
)
SUM = Mistake(
    "downmix-sum",
    "The channels are added, not averaged.",
    _MEAN,
)

RESAMPLING_MISTAKES = (LINEAR, NEAREST, NO_LOW_PASS)
DOWNMIX_MISTAKES = (ONE_CHANNEL, SUM)

HEAD = """\
# Mistakes that `POST /init/verification` names

Written by `python -m training extractor`.

| code | what is wrong | what helps |
|---|---|---|
"""

NOTE = """
Resampling shows on the references at 48 kHz (`reference-48000`, `reference-48000-stereo`), the
downmix on the one in stereo, the published Android client on `reference`. All others show on each.
"""


def table() -> str:
    """All mistakes as a Markdown table for `docs/`."""
    inside = (*MISTAKES, ANDROID_CLIENT, *OUTWARD_MISTAKES)
    mistakes = (*inside, *RESAMPLING_MISTAKES, *DOWNMIX_MISTAKES)
    rows = (f"| `{m.code}` | {m.explanation} | {m.remedy} |\n" for m in mistakes)
    return HEAD + "".join(rows) + NOTE
