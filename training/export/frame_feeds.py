"""The inputs of frame networks: made finite, and those on which a network is verified."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from training.arrays import Float32
from training.export.model import Feed
from training.features.recipe import RECIPE
from training.voice.clips import VoiceClip
from training.voice.summary import BASELINE, PROSODY

# Far above any decibel cepstrum; the sum over an hour of such frames is still finite.
LARGEST_CEPSTRUM = 1e4
LENGTHS = (10, 11, 130, 3_000)  # frames, on which a frame network is verified
TOGETHER = 32  # clips in one batch
LARGEST = np.finfo(np.float32).max


def within(frames: Tensor, lengths: Tensor) -> Tensor:
    """Which frames (N, T, any) lie within the lengths (N,) of their clips: bool (N, T, 1)."""
    return (torch.arange(frames.shape[1])[None] < lengths[:, None])[..., None]


def valid_frames(frames: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Frames (N, T, 25) and lengths (N,) within their limits, and the clips' means (N, 25)."""
    frames = torch.clamp(frames, -LARGEST_CEPSTRUM, LARGEST_CEPSTRUM)
    lengths = torch.clamp(lengths, 1, frames.shape[1])
    means = torch.where(within(frames, lengths), frames, 0.0).sum(dim=1) / lengths[:, None]
    return frames, lengths, means


def frame_feeds(clips: Sequence[VoiceClip], inputs: Iterable[str]) -> list[Feed]:
    """Some clips in one batch, and one clip at each of several lengths, padded and not."""
    some = list(clips[:: max(1, len(clips) // TOGETHER)])
    lengths = [len(clip.frames) for clip in some]
    feeds = [_feed(some, max(lengths), lengths)]
    feeds += [_feed(some[:1], length, [length]) for length in LENGTHS]
    feeds += [_feed(some[:1], length, [length // 2 + 1]) for length in LENGTHS]
    return [{name: feed[name] for name in inputs} for feed in feeds]


def _feed(clips: Sequence[VoiceClip], length: int, lengths: Sequence[int]) -> Feed:
    """Clips repeated up to one length."""
    return {
        "frames": np.stack([np.resize(clip.frames, (length, RECIPE.n_mfcc)) for clip in clips]),
        "lengths": np.array(lengths),
        "prosody": np.stack([np.resize(clip.prosody, (length, PROSODY)) for clip in clips]),
        "baseline": np.stack([clip.baseline for clip in clips]),
    }


def extreme_clips(inputs: Iterable[str]) -> Feed:
    """Zeros, and the largest finite numbers with random signs."""
    frames = extremes(LENGTHS[0], RECIPE.n_mfcc)
    feed: Feed = {
        "frames": frames,
        "lengths": np.full(len(frames), LENGTHS[0]),
        "prosody": extremes(LENGTHS[0], PROSODY),
        "baseline": np.abs(extremes(1, BASELINE)[:, 0]),
    }
    return {name: feed[name] for name in inputs}


def extremes(length: int, numbers: int) -> Float32:
    """The largest numbers with random signs, and zeros: (65, length, numbers)."""
    shape = (64, length, numbers)
    signs = np.where(np.random.default_rng(0).random(shape) < 0.5, -1, 1)
    return np.concatenate([signs * LARGEST, np.zeros_like(signs[:1])]).astype(np.float32)
