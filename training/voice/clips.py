"""Clips in the form of networks that take prosody and baselines, read from the caches."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from training.arrays import Float32
from training.examples import Examples
from training.features.cache import ORIGINAL, FeatureCache
from training.features.mfcc import pool
from training.voice.summary import (
    BASELINE,
    MFCCS,
    POOLED_PROSODY,
    PROSODY,
    Draw,
    alone,
    baselines,
    split,
    summary,
)

MEASURED_WITH = 10  # clips of a baseline


@dataclass(frozen=True)
class Given:
    """What a client sends beside the MFCCs."""

    prosody: bool = False
    baseline: bool = False


# By the name in tables. Without any of them a client sends MFCCs alone.
FORMS: Mapping[str, Given] = {
    "prosody": Given(prosody=True),
    "baseline": Given(baseline=True),
    "prosody and baseline": Given(prosody=True, baseline=True),
}
ALL = "prosody and baseline"


@dataclass(frozen=True)
class VoiceClip:
    """A clip of T frames as a client sends it to a frame network."""

    frames: Float32  # (T, 25)
    prosody: Float32  # (T, 3); zeros where it is not given
    baseline: Float32  # (BASELINE,); zeros where it is not given

    @classmethod
    def of(cls, clip: "VoiceClip | Float32") -> "VoiceClip":
        """The same clip, or the frames (T, 25) of one of which nothing else is given."""
        if isinstance(clip, VoiceClip):
            return clip
        empty = np.zeros((len(clip), PROSODY), np.float32)
        return cls(clip, empty, np.zeros(BASELINE, np.float32))


def padded(clips: Sequence[VoiceClip]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """One batch: frames (n, T, 25), lengths (n,), prosody (n, T, 3), baselines (n, BASELINE)."""
    frames, prosody = (
        pad_sequence([torch.from_numpy(part) for part in parts], batch_first=True)
        for parts in ([clip.frames for clip in clips], [clip.prosody for clip in clips])
    )
    lengths = torch.tensor([len(clip.frames) for clip in clips])
    return frames, lengths, prosody, torch.from_numpy(np.stack([clip.baseline for clip in clips]))


def voice_clips(
    examples: Examples,
    rows: Iterable[int],
    frames: FeatureCache,
    prosody: FeatureCache,
    folder: str,
) -> list[VoiceClip]:
    """Clips with all their frames; the arguments are those of `voice_rows`."""
    given = FORMS.get(folder, Given())
    source = ORIGINAL.folder if folder in FORMS else folder

    def clip(row: int) -> VoiceClip:
        key = str(examples.content_hashes[row])
        found = frames.read(key, source)
        spoken = np.zeros((len(found), PROSODY), np.float32)
        if given.prosody:
            spoken = prosody.read(key, source)
        return VoiceClip(found, spoken, split(_given(examples, row, given)[np.newaxis])[2][0])

    return [clip(row) for row in rows]


def summaries_of(
    content_hashes: Iterable[str],
    frames: FeatureCache,
    prosody: FeatureCache,
    folder: str = ORIGINAL.folder,
) -> Float32:
    """Summaries of recordings under one change, float32 (N, SUMMARY)."""
    rows = [summary(frames.read(key, folder), prosody.read(key, folder)) for key in content_hashes]
    return np.stack(rows)


def voice_rows(
    examples: Examples, rows: Iterable[int], frames: FeatureCache, folder: str
) -> list[Float32]:
    """Clips as rows (ROW,), see `training.voice.summary.split`.

    Args:
        examples: all utterances with their summaries; baselines are drawn from them.
        rows: the utterances wanted.
        frames: the cache of MFCC frames.
        folder: a name in `FORMS`, or a folder of that cache, from which MFCCs alone are taken.
    """
    if folder in FORMS:
        return [_given(examples, row, FORMS[folder]) for row in rows]
    if folder == ORIGINAL.folder:
        return [_given(examples, row, Given()) for row in rows]
    clips = (frames.read(str(examples.content_hashes[row]), folder) for row in rows)
    return [alone(pool(clip)) for clip in clips]


def _given(examples: Examples, row: int, given: Given) -> Float32:
    """The clip's hash seeds the choice of the baseline's clips: it is the same in every fit."""
    found = examples.recordings[row]
    prosody = found[POOLED_PROSODY] * np.float32(given.prosody)
    random = np.random.default_rng(int(examples.content_hashes[row], 16))
    (chosen,), (exist,) = Draw(examples.speakers, MEASURED_WITH).others(np.array([row]), random)
    baseline = baselines(examples.recordings[chosen], exist & given.baseline)
    return np.concatenate([found[MFCCS], prosody, baseline])
