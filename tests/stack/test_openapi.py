"""The server conforms to server/openapi.yaml: property-based tests of every operation."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.harness import Server
from tests.support.openapi import DESCRIPTION, METHODS, description

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = 30  # random requests for each operation, beside those at the boundaries


def test_every_operation_conforms_to_the_description(server: Server, tmp_path: Path) -> None:
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "--config-file",
        str(CONFIGURATION),
    ]
    command += ["run", str(DESCRIPTION), "--url", str(server.client.base_url), "--checks", "all"]
    command += ["--max-examples", str(EXAMPLES), "--seed", "1", "--continue-on-failure"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
    operations = sum(len(METHODS & path.keys()) for path in description()["paths"].values())
    assert re.search(rf"Tested: {operations}\b", run.stdout), run.stdout


def test_the_description_is_served(server: Server) -> None:
    answer = server.client.get("/openapi.yaml")
    assert answer.content == DESCRIPTION.read_bytes()
    assert answer.headers["content-type"] == "application/yaml"
    tag = {"If-None-Match": answer.headers["etag"]}
    assert server.client.get("/openapi.yaml", headers=tag).status_code == 304


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_path_without_description_is_refused(server: Server, method: str) -> None:
    assert server.client.request(method, "/prediction").status_code == 404
