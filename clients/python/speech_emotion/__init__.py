"""Client of a speech emotion server. It computes the features locally and sends no audio."""

from speech_emotion.answers import InputWarning, Prediction, Verification
from speech_emotion.client import Client
from speech_emotion.limits import Limits

__all__ = ["Client", "InputWarning", "Limits", "Prediction", "Verification"]
