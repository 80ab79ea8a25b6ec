"""The prediction server: MFCC vectors in, a probability for each emotion out."""

import os

# onnxruntime reads it when it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
