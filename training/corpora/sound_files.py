"""Which files are recordings: those whose suffix is that of a format of libsndfile."""

import soundfile

# Suffixes that are not the lower-case name of their format.
OTHERS = {
    "AIFF": (".aif", ".aifc"),
    "AU": (".snd",),
    "NIST": (".sph",),
    "OGG": (".oga", ".opus"),
}
NOT_RECORDINGS = ("MAT4", "MAT5", "RAW")  # matrices, and samples without their rate
COMMON = "such as .wav, .flac, .ogg, .opus, .mp3 or .aiff"


def suffixes() -> frozenset[str]:
    """In lower case, with their dot."""
    names = soundfile.available_formats().keys() - set(NOT_RECORDINGS)
    more = (suffix for name in names for suffix in OTHERS.get(name, ()))
    return frozenset((*(f".{name.lower()}" for name in names), *more))


SUFFIXES = suffixes()
