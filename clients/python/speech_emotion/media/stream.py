"""A decoded file: audio in blocks from the process that decodes it."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from struct import Struct
from typing import Self

import numpy as np
from numpy.typing import NDArray

from speech_emotion.errors import AudioError
from speech_emotion.extraction.environment import worker_environment
from speech_emotion.media.decoder import find_decoder
from speech_emotion.media.kinds import Kind
from speech_emotion.untrusted import text

AU = Struct(">4s5I")  # magic, offset of the samples, their bytes, encoding, rate, channels
FLOAT32 = 6  # an encoding
SAMPLE = np.dtype(">f4")
LONGEST_HEADER = 4096  # bytes
RATES = (1_000, 384_000)  # Hz
MOST_CHANNELS = 64
BLOCK_SECONDS = 30.0  # for the start, and for each block; far more than any needs
MOST_HOURS = 24.0  # of one file
LONGEST_REASON = 1_000  # bytes


class DecodedFile:
    """Looks like an open `soundfile.SoundFile`; the number of frames is unknown: 0."""

    frames = 0

    def __init__(self, path: Path, process: "subprocess.Popen[bytes]") -> None:
        """Reads the header; raises AudioError."""
        self._path, self._process = path, process
        self._read_frames = 0
        magic, offset, _, encoding, self.samplerate, self.channels = AU.unpack(self._take(AU.size))
        valid = magic == b".snd" and encoding == FLOAT32 and AU.size <= offset <= LONGEST_HEADER
        if not (
            valid
            and RATES[0] <= self.samplerate <= RATES[1]
            and 1 <= self.channels <= MOST_CHANNELS
        ):
            raise AudioError(f"{path}: {self.samplerate} Hz, {self.channels} channels; not audio")
        self._take(offset - AU.size)

    @classmethod
    @contextmanager
    def opened(cls, path: Path, kind: Kind) -> Iterator[Self]:
        """Starts the decoder, and ends it; raises AudioError."""
        decoder = find_decoder(path, kind)
        with path.open("rb") as source:
            process = subprocess.Popen(
                decoder.command,
                stdin=source,  # the decoder opens nothing itself
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,  # a line, or a few: no more than a pipe holds
                env=worker_environment(),
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
            try:
                yield cls(path, process)
            finally:
                process.kill()
                process.wait()
                for stream in (process.stdout, process.stderr):
                    assert stream
                    stream.close()

    def read(
        self, frames: int, dtype: str = "float32", *, always_2d: bool = True
    ) -> NDArray[np.float32]:
        """The next frames, (n, channels); fewer than asked for at the end alone."""
        assert always_2d
        content = self._block(frames * self.channels * SAMPLE.itemsize)
        if not content:
            self._check_end()
        samples = np.frombuffer(content, SAMPLE, len(content) // SAMPLE.itemsize)
        whole = len(samples) // self.channels * self.channels
        self._read_frames += whole // self.channels
        if self._read_frames > MOST_HOURS * 3600 * self.samplerate:
            raise AudioError(f"{self._path}: longer than {MOST_HOURS:g} hours")
        return samples[:whole].astype(dtype).reshape(-1, self.channels)

    def _take(self, count: int) -> bytes:
        """Exactly so many bytes; raises AudioError."""
        content = self._block(count)
        if len(content) < count:
            self._check_end()
            raise AudioError(f"{self._path}: not readable as audio: no audio in it")
        return content

    def _block(self, count: int) -> bytes:
        """So many bytes, or fewer at the end; the decoder is killed if it takes too long."""
        timer = threading.Timer(BLOCK_SECONDS, self._process.kill)
        timer.daemon = True
        timer.start()
        try:
            assert self._process.stdout
            return self._process.stdout.read(count)
        finally:
            timer.cancel()

    def _check_end(self) -> None:
        """Raises AudioError if the decoder failed."""
        code = self._process.wait(BLOCK_SECONDS)
        if code == 0:
            return
        assert self._process.stderr
        lines = (
            self._process.stderr.read(LONGEST_REASON).decode(errors="replace").strip().splitlines()
        )
        reason = text(lines[-1]) if lines else f"the decoder ended with {code}"
        raise AudioError(f"{self._path}: not readable as audio: {reason}")
