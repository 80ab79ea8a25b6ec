"""The prediction server: receives MFCCs, returns a probability for each emotion."""

import os

NAME = "speech-emotion-server"
VERSION = "1.0.0"  # as in CITATION.cff and openapi.yaml

# Read by onnxruntime and numpy at import.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
# By default OpenBLAS starts an idle thread per core; each counts towards a limit of pids.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
