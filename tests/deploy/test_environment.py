"""The script that creates virtual environments."""

import subprocess
from pathlib import Path

from configuration import ROOT

LARGEST_FILE = 64  # blocks of 512 bytes; pip has larger files


def test_an_environment_that_cannot_be_completed_is_removed(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("-e missing\n")
    environment = tmp_path / "environment"
    command = [ROOT / "scripts" / "environment", environment, requirements]
    done = subprocess.run(
        ["sh", "-c", f'ulimit -f {LARGEST_FILE}; exec "$@"', "sh", *command],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert f"Creating {environment}" in done.stdout
    assert done.returncode != 0
    assert not environment.exists()
