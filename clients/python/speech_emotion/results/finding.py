"""Why an emotion is not to be believed, in words for people."""

from dataclasses import dataclass
from typing import Literal

from speech_emotion.contract import OUTSIDE_TRAINING
from speech_emotion.extraction.features import Features

LOG_F0, LEVEL = 0, 2  # their columns in prosody
LEAST_VOICED = 0.1  # share of the frames; speech has a third and more
SILENT_LEVEL = -60.0  # dB below full scale, of the loudest frame


@dataclass(frozen=True)
class Finding:
    """What stands in place of an emotion; the emotion is no more than a guess then."""

    code: Literal["silence", "no-speech", "unfamiliar"]
    word: str  # in a list
    title: str  # a headline
    advice: str  # what to do

    @property
    def is_speechless(self) -> bool:
        """Whether there is no voice at all."""
        return self.code != "unfamiliar"


SILENCE = Finding(
    "silence",
    "silent",
    "no speech was found: the recording is silent",
    "Check that the right microphone is used and not muted.",
)
NO_SPEECH = Finding(
    "no-speech",
    "no speech",
    "no speech was found",
    "Hardly any of it is voiced: noise, or a whisper. Record two to ten seconds of ordinary "
    "speech close to the microphone.",
)
UNFAMILIAR = Finding(
    "unfamiliar",
    "unfamiliar",
    "this does not sound like speech that the network knows",
    "It may be music, noise, or an unusual voice or microphone. Record two to ten seconds of one "
    "person who speaks, without other sounds.",
)


def finding_of(features: Features, warning: str | None) -> Finding | None:
    """What the features and the code of the server's warning say against an emotion, if anything.

    A server of version 1 gives no prosody, by which silence and noise are told apart.
    """
    if features.prosody is not None:
        if features.prosody[:, LEVEL].max() < SILENT_LEVEL:
            return SILENCE
        if (features.prosody[:, LOG_F0] > 0).mean() < LEAST_VOICED:
            return NO_SPEECH
    return UNFAMILIAR if warning == OUTSIDE_TRAINING else None
