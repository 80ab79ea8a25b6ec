"""Every operation of server/openapi.yaml, asked in ways that nobody would think of."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.harness import Server
from tests.support.openapi import DESCRIPTION, METHODS, description

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = 30  # of each operation, drawn at random, beside those that its boundaries give


def test_the_server_is_as_it_is_described(server: Server, tmp_path: Path) -> None:
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
def test_a_path_that_is_not_described_is_refused(server: Server, method: str) -> None:
    assert server.client.request(method, "/prediction").status_code == 404
