"""Speech emotions from a prediction server: features are computed here, audio never leaves."""

import os

# onnxruntime reads it when it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

from speech_emotion.client import Client, InputWarning, Prediction, Verification

__all__ = ["Client", "InputWarning", "Prediction", "Verification"]
