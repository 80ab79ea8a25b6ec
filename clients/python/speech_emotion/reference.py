"""Reads the server's reference clip with as little code as possible: only PCM of 16 bits."""

import wave
from io import BytesIO

import numpy as np

from speech_emotion.audio import MAXIMUM_SECONDS, MINIMUM_SECONDS, Clip
from speech_emotion.errors import WrongServerError

FULL_SCALE = 2**15


def read_reference(content: bytes, sample_rate: int) -> Clip:
    """Reads a mono WAV file of 16-bit PCM at `sample_rate` Hz, 0.1 to 600 s long.

    Raises:
        WrongServerError: the content is another kind of file.
    """
    # SECURITY: libsndfile reads many formats, some of which decompress to gigabytes.
    try:
        with wave.open(BytesIO(content)) as file:
            form = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            data = file.readframes(file.getnframes())
    except (wave.Error, EOFError, ValueError) as error:
        raise WrongServerError(f"The server's reference clip is not a WAV file: {error}") from error
    values = np.frombuffer(data[: len(data) // 2 * 2], "<i2")
    samples = values.astype(np.float32) / np.float32(FULL_SCALE)
    seconds = len(samples) / sample_rate
    if form != (1, 2, sample_rate) or not MINIMUM_SECONDS <= seconds <= MAXIMUM_SECONDS:
        raise WrongServerError(
            f"The server's reference clip has {form[0]} channels of {8 * form[1]} bits at "
            f"{form[2]} Hz and lasts {seconds:.1f} s; expected 1 of 16 at {sample_rate}, "
            f"{MINIMUM_SECONDS:g} to {MAXIMUM_SECONDS:g} s"
        )
    return Clip("reference clip", samples, sample_rate)
