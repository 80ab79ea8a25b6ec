"""Client of a speech emotion server. It computes the features locally and sends no audio."""

import os

# Before the import: onnxruntime reads the variable when it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

from speech_emotion.client import Client, InputWarning, Prediction, Verification

__all__ = ["Client", "InputWarning", "Prediction", "Verification"]
