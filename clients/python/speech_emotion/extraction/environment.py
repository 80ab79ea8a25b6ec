"""The environment of processes with limited rights."""

import os
import sys
from pathlib import Path

import speech_emotion_worker

# Where libraries are; no keys, tokens, proxies or home folder.
PASSED_ON = ("SYSTEMROOT", "PYTHONHOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


def worker_environment() -> dict[str, str]:
    """The environment of a process with limited rights: nothing of the user's."""
    paths = [str(Path(speech_emotion_worker.__file__).parents[1]), *filter(os.path.isabs, sys.path)]
    passed_on = {key: os.environ[key] for key in PASSED_ON if key in os.environ}
    return passed_on | {
        "PYTHONPATH": os.pathsep.join(paths),
        "ORT_DISABLE_TELEMETRY": "1",
        "OPENBLAS_NUM_THREADS": "1",  # numpy only reads and writes arrays there
    }
