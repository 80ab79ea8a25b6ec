"""Reads recordings of any format, in blocks: float32 at a sample rate that an extractor takes."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from speech_emotion.errors import AudioError, AudioTooLongError, AudioTooShortError
from speech_emotion.media.kinds import kind_of
from speech_emotion.media.stream import DecodedFile

Float32 = NDArray[np.float32]

MINIMUM_SECONDS = 0.1
MAXIMUM_SECONDS = 600.0  # of one prediction; the number of windows is unlimited
SHORTEST_WINDOW = 0.2  # seconds; the last window may be half as long, the minimum
LARGEST_SAMPLE = 100.0  # float recordings may exceed 1 by some decibels, but not by 40
BLOCK = 65_536  # samples per read
QUALITY = "HQ"  # as in librosa.load; another quality changes probabilities by 0.01


class AudioFile(Protocol):
    """An open file: a `soundfile.SoundFile`, or a `DecodedFile`."""

    samplerate: int  # Hz
    channels: int
    frames: int  # that must be present; 0: unknown

    def read(self, frames: int, dtype: str, *, always_2d: bool) -> Float32:
        """The next frames, (n, channels); none at the end."""


@dataclass(frozen=True)
class Inputs:
    """The audio that a server's extractors take; other audio is converted to the nearest."""

    sample_rates: tuple[int, ...]  # Hz, ascending
    most_channels: int

    def sample_rate(self, rate: int) -> int:
        """The sample rate for a recording at `rate` Hz: the same, or the next higher one.

        Above the highest, it is the highest.
        """
        return next((one for one in self.sample_rates if one >= rate), self.sample_rates[-1])

    def channels(self, count: int) -> int:
        """The number of channels for a recording of so many: the same, or 1."""
        return count if count <= self.most_channels else 1


@dataclass(frozen=True)
class Clip:
    """A part of a recording, `start` seconds after the recording's beginning."""

    source: str  # name of the recording, for messages
    samples: Float32  # (n, channels), in [-1, 1]
    sample_rate: int  # Hz
    start: float = 0.0

    @property
    def end(self) -> float:
        """Seconds after the recording's beginning."""
        return self.start + len(self.samples) / self.sample_rate


def read_clip(path: Path, inputs: Inputs) -> Clip:
    """Reads a whole recording, as an extractor takes it.

    Raises:
        AudioError: the file is unreadable, cut off or empty.
        AudioTooShortError, AudioTooLongError: under 0.1 s, over 600 s.
    """
    chunks: list[Float32] = []
    length = 0
    with _opened(path) as file:
        sample_rate = inputs.sample_rate(file.samplerate)
        for chunk in _read(path, file, inputs):
            chunks.append(chunk)
            length += len(chunk)
            if length > MAXIMUM_SECONDS * sample_rate:
                raise AudioTooLongError(
                    f"{path}: longer than {MAXIMUM_SECONDS:g} s; use windows (--every SECONDS)"
                )
    return Clip(str(path), np.concatenate(chunks), sample_rate)


def read_windows(path: Path, inputs: Inputs, seconds: float) -> Iterator[Clip]:
    """Reads a recording window by window, in constant memory.

    A remainder shorter than half a window is added to the last window.

    Args:
        path: the recording.
        inputs: the audio that extractors take.
        seconds: length of a window, from 0.2 to 600.

    Raises:
        AudioError: the recording is unreadable, cut off or empty.
        AudioTooShortError: the whole recording is under 0.1 s.
        ValueError: `seconds` is out of range.
    """
    if not SHORTEST_WINDOW <= seconds <= MAXIMUM_SECONDS:
        raise ValueError(
            f"window length {seconds} s; expected from {SHORTEST_WINDOW:g} to {MAXIMUM_SECONDS:g}"
        )
    with _opened(path) as file:
        sample_rate = inputs.sample_rate(file.samplerate)
        whole = Clip(str(path), np.empty((0, 0), np.float32), sample_rate)
        yield from _clips(whole, _read(path, file, inputs), seconds)


def read_parts(path: Path, inputs: Inputs, longest: float, window: float) -> Iterator[Clip]:
    """Reads a recording of up to `longest` seconds whole, a longer one window by window.

    Raises:
        AudioError: the recording is unreadable, cut off or empty.
        AudioTooShortError: the whole recording is under 0.1 s.
    """
    with _opened(path) as file:
        sample_rate = inputs.sample_rate(file.samplerate)
        whole = Clip(str(path), np.empty((0, 0), np.float32), sample_rate)
        yield from _parts(whole, _read(path, file, inputs), longest, window)


def parts_of_samples(clip: Clip, longest: float, window: float) -> Iterator[Clip]:
    """The same of a clip in memory."""
    return _parts(clip, iter([clip.samples]), longest, window)


def _parts(whole: Clip, blocks: Iterator[Float32], longest: float, window: float) -> Iterator[Clip]:
    first: list[Float32] = []
    length = 0
    for block in blocks:
        first.append(block)
        length += len(block)
        if length > longest * whole.sample_rate:
            yield from _clips(whole, chain(first, blocks), window)
            return
    yield replace(whole, samples=np.concatenate(first))


def _clips(whole: Clip, blocks: Iterable[Float32], seconds: float) -> Iterator[Clip]:
    """Windows of so many seconds; `whole` gives the name and the sample rate."""
    for start, samples in _windows(blocks, round(seconds * whole.sample_rate)):
        yield replace(whole, samples=samples, start=start / whole.sample_rate)


def _windows(blocks: Iterable[Float32], size: int) -> Iterator[tuple[int, Float32]]:
    """Cuts blocks into windows of `size` samples, each with the number of samples before it."""
    chunks: list[Float32] = []
    waiting = start = 0  # samples in `chunks`, samples before them
    for chunk in blocks:
        chunks.append(chunk)
        waiting += len(chunk)
        if waiting < size + size // 2:
            continue
        samples = np.concatenate(chunks)
        while len(samples) >= size + size // 2:
            yield start, samples[:size]
            samples, start = samples[size:], start + size
        chunks, waiting = [samples], len(samples)
    yield start, np.concatenate(chunks)


def clip_of_samples(samples: NDArray[Any], rate: int, inputs: Inputs) -> Clip:
    """Makes a clip from samples in memory.

    Args:
        samples: floats in [-1, 1], (n,) or (n, channels).
        rate: sample rate of `samples`, in Hz.
        inputs: the audio that extractors take.

    Raises:
        AudioError: `samples` has another type, shape or range.
        AudioTooShortError, AudioTooLongError: under 0.1 s, over 600 s.
        ValueError: `rate` is not positive.
    """
    source = "samples"
    if not rate > 0:
        raise ValueError(f"sample rate {rate}; expected more than 0 Hz")
    if not np.issubdtype(samples.dtype, np.floating) or samples.ndim not in (1, 2):
        raise AudioError(
            f"{source}: {samples.dtype} of shape {samples.shape}; "
            "expected floats in [-1, 1] of shape (n,) or (n, channels)"
        )
    if len(samples) > MAXIMUM_SECONDS * rate:
        raise AudioTooLongError(f"{source}: longer than {MAXIMUM_SECONDS:g} s")
    _check_length(source, len(samples), rate)
    channels = samples.astype(np.float32).reshape(len(samples), -1)
    count = inputs.channels(channels.shape[1])
    sample_rate = inputs.sample_rate(rate)
    blocks = _resample([_mixed(source, channels, count)], count, rate, sample_rate)
    return Clip(source, np.concatenate(list(blocks)), sample_rate)


@contextmanager
def _opened(path: Path) -> Iterator[AudioFile]:
    """An open file; raises AudioError if it cannot be opened, or later not be read."""
    # As bytes: on POSIX a file name may be invalid text.
    name = os.fsencode(path) if os.name == "posix" else path
    kind = kind_of(path)
    try:
        with DecodedFile.opened(path, kind) if kind else soundfile.SoundFile(name) as file:
            yield file
    except (soundfile.SoundFileError, OSError, TypeError) as error:
        raise AudioError(f"{path}: not readable as audio: {_reason(path, error)}") from error


def _read(path: Path, file: AudioFile, inputs: Inputs) -> Iterator[Float32]:
    """Yields blocks, (n, channels), as an extractor takes them."""
    channels = inputs.channels(file.channels)
    sample_rate = inputs.sample_rate(file.samplerate)
    yield from _resample(_blocks(path, file, channels), channels, file.samplerate, sample_rate)


def _blocks(path: Path, file: AudioFile, count: int) -> Iterator[Float32]:
    length = 0
    while len(channels := file.read(BLOCK, dtype="float32", always_2d=True)):
        length += len(channels)
        yield _mixed(str(path), channels, count)
    if length < file.frames:
        raise AudioError(f"{path}: cut off: {length} of {file.frames} samples are present")
    _check_length(str(path), length, file.samplerate)


def _mixed(source: str, channels: Float32, count: int) -> Float32:
    """The channels, or if fewer are wanted, their average: float32 (n, count)."""
    mixed = channels
    if count < channels.shape[1]:
        with np.errstate(invalid="ignore", over="ignore"):  # the check below refuses the result
            mixed = channels.mean(axis=1, keepdims=True)
    largest = np.abs(mixed).max(initial=0.0)
    if not largest <= LARGEST_SAMPLE:
        raise AudioError(f"{source}: contains a sample of {largest:g}; expected floats in [-1, 1]")
    return mixed


def _resample(
    blocks: Iterable[Float32], channels: int, rate: int, sample_rate: int
) -> Iterator[Float32]:
    """Resamples block by block; the result is the same as that of one call."""
    if rate == sample_rate:
        yield from blocks
        return
    stream = soxr.ResampleStream(rate, sample_rate, channels, dtype="float32", quality=QUALITY)
    for block in blocks:
        yield stream.resample_chunk(block)
    yield stream.resample_chunk(np.empty((0, channels), np.float32), last=True)


def _check_length(source: str, length: int, rate: int) -> None:
    if length == 0:
        raise AudioError(f"{source}: empty: it contains no samples")
    if length < MINIMUM_SECONDS * rate:
        raise AudioTooShortError(
            f"{source}: {length / rate:.3f} s long; expected at least {MINIMUM_SECONDS} s"
        )


def _reason(path: Path, error: Exception) -> str:
    """The reason why a file cannot be read; libsndfile's own is often only "System error"."""
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as reason:
        return reason.strerror or str(reason)
    return "it is empty" if empty else str(getattr(error, "error_string", error))
