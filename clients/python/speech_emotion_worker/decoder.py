"""Decodes the audio of standard input with PyAV, as Sun AU: `-m speech_emotion_worker.decoder`.

The argument is the name of the only demuxer that may read it.
"""

import io
import os
import struct
import sys
import wave
from typing import IO

import av
import numpy as np

from speech_emotion_worker.rights import give_up_rights, limit_processor_time

HEADER = struct.Struct(">4s5I")
FLOAT32, UNKNOWN = 6, 0xFFFFFFFF  # the encoding; the number of bytes
BIG_ENDIAN = np.dtype(">f4")
MEMORY = 2**30  # bytes
SECONDS = 3600  # of processor time; a day of audio takes some minutes


def main(demuxer: str) -> int:
    """Writes the first audio stream; a failure is one line on standard error, and exit code 1."""
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # native code may print
    av.logging.set_level(None)
    _decode(_own_clip(), "wav", io.BytesIO())  # PyAV imports modules late, and no file opens then
    give_up_rights(MEMORY)
    limit_processor_time(SECONDS)
    try:
        _decode(source, demuxer, sink)
    except (av.FFmpegError, ValueError, IndexError, EOFError) as error:
        print(getattr(error, "strerror", None) or error, file=sys.stderr)
        return 1
    return 0


def _own_clip() -> IO[bytes]:
    """A millisecond of silence."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(bytes(16))
    content.seek(0)
    return content


def _decode(source: IO[bytes], demuxer: str, sink: IO[bytes]) -> None:
    with av.open(source, format=demuxer, mode="r", metadata_errors="replace") as container:
        _copy(container, sink)


def _copy(container: "av.container.InputContainer", sink: IO[bytes]) -> None:
    if not container.streams.audio:
        raise ValueError("it has no audio")
    stream = container.streams.audio[0]
    stream.codec_context.thread_count = 1  # processes and threads are forbidden
    stream.codec_context.thread_type = "NONE"
    resampler: av.AudioResampler | None = None
    for frame in container.decode(stream):
        if resampler is None:
            rate, layout = frame.sample_rate, frame.layout
            resampler = av.AudioResampler("flt", layout, rate)
            header = HEADER.pack(b".snd", HEADER.size, UNKNOWN, FLOAT32, rate, layout.nb_channels)
            sink.write(header)
        for packed in resampler.resample(frame):
            sink.write(packed.to_ndarray().astype(BIG_ENDIAN).tobytes())
    if resampler is None:
        raise ValueError("it has no audio")
    sink.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
