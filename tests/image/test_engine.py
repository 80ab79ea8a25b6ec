"""The choice between Docker and Podman."""

import os
import shutil
import subprocess
from pathlib import Path

from configuration import ROOT
from tests.support.missing import missing

ENGINE = ROOT / "scripts" / "engine"


def choose(**variables: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | variables
    return subprocess.run(
        ["/bin/sh", ENGINE], env=environment, capture_output=True, text=True, check=False
    )


def test_podman_builds_where_the_docker_daemon_does_not_answer(tmp_path: Path) -> None:
    if not shutil.which("podman"):
        missing("podman is missing: sudo apt-get install podman")
    found = choose(DOCKER_HOST=f"unix://{tmp_path}/none")
    assert (found.returncode, found.stdout) == (0, "podman\n"), found.stderr


def test_without_an_engine_there_is_an_error(tmp_path: Path) -> None:
    found = choose(PATH=str(tmp_path))
    assert found.returncode == 1
    assert found.stderr == "error: neither docker nor podman is installed\n"
