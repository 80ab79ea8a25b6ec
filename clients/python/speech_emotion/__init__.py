"""Client of a speech emotion server. It computes the features locally and sends no audio."""

from speech_emotion.answers import InputWarning, Prediction, Verification
from speech_emotion.client import Client
from speech_emotion.extraction.features import Features
from speech_emotion.limits import Limits
from speech_emotion.profiles.baseline import Baseline

__all__ = [
    "Baseline",
    "Client",
    "Features",
    "InputWarning",
    "Limits",
    "Prediction",
    "Verification",
]
