"""Reads the server's reference clip with as little code as possible: only PCM of 16 bits."""

import wave
from io import BytesIO

import numpy as np

from speech_emotion.audio import MAXIMUM_SECONDS, MINIMUM_SECONDS, Clip
from speech_emotion.contract import Reference
from speech_emotion.errors import WrongServerError

SAMPLE_BYTES = 2
FULL_SCALE = 2**15


def read_reference(content: bytes, reference: Reference) -> Clip:
    """Reads a WAV file of 16-bit PCM with a reference's rate and channels, 0.1 to 600 s long.

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
    expected = (reference.channels, SAMPLE_BYTES, reference.sample_rate)
    row = SAMPLE_BYTES * reference.channels
    values = np.frombuffer(data[: len(data) // row * row], "<i2").reshape(-1, reference.channels)
    samples = values.astype(np.float32) / np.float32(FULL_SCALE)
    seconds = len(samples) / reference.sample_rate
    if form != expected or not MINIMUM_SECONDS <= seconds <= MAXIMUM_SECONDS:
        raise WrongServerError(
            f"The server's reference clip has {form[0]} channels of {8 * form[1]} bits at "
            f"{form[2]} Hz and lasts {seconds:.1f} s; expected {reference.channels} of 16 at "
            f"{reference.sample_rate}, {MINIMUM_SECONDS:g} to {MAXIMUM_SECONDS:g} s"
        )
    return Clip("reference clip", samples, reference.sample_rate)
