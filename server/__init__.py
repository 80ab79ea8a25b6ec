"""The prediction server: MFCC vectors in, a probability for each emotion out."""

import os

NAME = "speech-emotion-server"
VERSION = "0.1.0"  # as in pyproject.toml and openapi.yaml

# onnxruntime and numpy read them when they are imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
# By default as many threads as the machine has cores, all idle, each counted by a limit of pids.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
