"""Offline training: corpora, features, networks, evaluation and export to `models/`."""

import os

# onnxruntime reads it when it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
