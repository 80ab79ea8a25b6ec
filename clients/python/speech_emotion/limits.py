"""Limits on what a server's answers and its extractor may cost."""

from dataclasses import dataclass

from speech_emotion.audio import MAXIMUM_SECONDS


@dataclass(frozen=True)
class Limits:
    """Limits of time and memory; the defaults are generous for slow machines."""

    request_seconds: float = 120.0  # for a request with all its repetitions
    run_seconds: float = 5.0  # to load the extractor, and to run it on a short clip
    run_seconds_per_second: float = 0.25  # of audio, in addition
    memory_bytes: int = 2**31  # of the extractor's process; 600 s of stereo at 96 kHz take 1.7 GB

    def seconds_for(self, audio: float) -> float:
        """Seconds that the extractor may take for `audio` seconds of audio."""
        return self.run_seconds + self.run_seconds_per_second * audio

    @property
    def seconds_for_longest(self) -> float:
        """Seconds that the extractor may take for the longest clip."""
        return self.seconds_for(MAXIMUM_SECONDS)
