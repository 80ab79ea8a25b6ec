"""Runs of tests: stopped ones leave no process behind; skipped ones say what lacks."""

import itertools
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from configuration import ROOT
from tests.support.harness import ENDS_WITH_ITS_PARENT, wait_until

PYTEST = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_server_outlives_the_tests_that_started_it(number: signal.Signals) -> None:
    with subprocess.Popen(
        [*ENDS_WITH_ITS_PARENT, *PYTEST, "--capture=no", "tests/support/runs/endless.py"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as tests:
        assert tests.stdout
        lines = itertools.takewhile(lambda line: not line.startswith("started"), tests.stdout)
        printed = "".join(lines)
        assert tests.poll() is None, printed
        started = psutil.Process(tests.pid).children(recursive=True)
        assert len(started) > 1
        tests.send_signal(number)
        tests.stdout.read()
    stopped = pytest.ExitCode.INTERRUPTED if number == signal.SIGTERM else -number
    assert tests.returncode == stopped
    wait_until(lambda: all(map(is_over, started)), "the end of the server")


def is_over(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_corpus_that_lacks_is_told_once_at_the_end(tmp_path: Path) -> None:
    settings = {key: value for key, value in os.environ.items() if key != "CI"}
    done = subprocess.run(
        [*PYTEST, "tests/support/runs/lacking.py"],
        cwd=ROOT,
        env=settings | {"SER_DATA_CORPORA_PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.count(str(tmp_path)) == 1
    assert f"2 skipped: {tmp_path}/ravdess: no such folder, of RAVDESS; docs/corpora" in done.stdout
