"""The server is small: what it has installed, how much memory it takes, how soon it answers."""

import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.support.harness import PYTHON, Server, started, wait_until

HEAVY = ("torch", "librosa", "scipy", "numba", "sklearn", "onnx", "pandas")


@pytest.mark.parametrize("module", HEAVY)
def test_the_server_has_nothing_heavy_installed(module: str) -> None:
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is not None)"
    assert subprocess.run([PYTHON, "-c", code], check=False).returncode == 0


def test_a_worker_stays_below_120_megabytes(stack: Server) -> None:
    for _ in range(100):
        stack.predict("DNN")
        stack.predict("CNN")
    assert max(worker.memory_info().rss for worker in stack.workers()) < 120e6


def test_the_first_prediction_comes_within_three_seconds_of_the_start(tmp_path: Path) -> None:
    with started(tmp_path, "--without-nginx", SER_SERVER_WORKERS=1) as server:
        wait_until(lambda: bool(server.tree()), "Gunicorn")
        start = psutil.Process(server.tree()[0].pid).create_time()
        server.wait_for_answer()
        server.predict()
        assert time.time() - start < 3
