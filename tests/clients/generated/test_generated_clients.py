"""Clients that openapi-generator makes of server/openapi.yaml can send features."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.clients.generated.compilation import BUILDERS
from tests.clients.generated.generation import LANGUAGES, generate
from tests.support.harness import DEADLINE, Server
from tests.support.languages.syntax import first_error

# The grammar, the folder of the sources, their ending, and the declaration of `Mfccs.mfccs`.
PARSED = {
    "C#": ("tree_sitter_c_sharp", "src", "cs", r"public (\S+) VarMfccs \{"),
    "C++": ("tree_sitter_cpp", "include", "h", r"(\S+) m_Mfccs;"),
    "Dart": ("tree_sitter_dart", "lib", "dart", r"^  (\S+) mfccs;"),
    "Kotlin": ("tree_sitter_kotlin", "src", "kt", r"val mfccs: (\S+),"),
    "Swift": ("tree_sitter_swift", "Sources/OpenAPIClient/Models", "swift", r"var mfccs: (\S+)"),
}


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a generated client of each language."""
    folder = tmp_path_factory.mktemp("generated")
    generate(folder)
    return folder


@pytest.fixture(scope="module")
def bodies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of a vector, frames, and frames with prosody; absent prosody is no member."""
    random = np.random.default_rng(2)
    frames = random.normal(0, 30, (12, 25)).round(3).tolist()
    prosody = random.uniform([1, 0, -60], [4, 1, -10], (12, 3)).round(3).tolist()
    path = tmp_path_factory.mktemp("bodies") / "bodies.json"
    path.write_text(
        json.dumps(
            [
                {"network": "DNN", "mfccs": frames[0]},
                {"network": "TCN", "mfccs": frames},
                {"network": "TCN", "mfccs": frames, "prosody": prosody},
            ]
        ),
        encoding="utf-8",
    )
    return path


@pytest.fixture(scope="module")
def expected(server_with_frames: Server, bodies: Path) -> list[list[float]]:
    """The probabilities for each body."""
    return [probabilities(server_with_frames, **body) for body in json.loads(read(bodies))]


def probabilities(server: Server, network: str, **body: Any) -> list[float]:
    answer = server.client.post(f"/prediction/{network}", json=body)
    return [result["prediction"] for result in answer.json()["results"]]


def test_the_guide_names_every_language() -> None:
    assert LANGUAGES.keys() == BUILDERS.keys() | PARSED.keys()


@pytest.mark.parametrize("language", BUILDERS)
def test_a_compiled_client_sends_features(
    clients: Path,
    language: str,
    server_with_frames: Server,
    bodies: Path,
    expected: list[list[float]],
) -> None:
    program = BUILDERS[language](clients / language)
    command = [*program, f"http://127.0.0.1:{server_with_frames.port}", bodies]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    if language != "Rust":  # whose models of the handshake are not compiled
        handshake = server_with_frames.client.get("/init/configuration").json()
        assert found.pop(0) == [network["networkType"] for network in handshake["networks"]]
    for values, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(values, wanted, rtol=1e-5)


@pytest.mark.parametrize("language", PARSED)
def test_the_source_of_a_client_has_a_type_for_features(clients: Path, language: str) -> None:
    grammar, folder, ending, declaration = PARSED[language]
    sources = sorted((clients / language / folder).rglob(f"*.{ending}"))
    assert [path for path in sources if first_error(grammar, path.read_bytes())] == []
    found = [re.search(declaration, text, re.MULTILINE) for text in map(read, sources)]
    (mfccs,) = (
        match[1]
        for path, match in zip(sources, found, strict=True)
        if match and path.stem.lower() == "mfccs"
    )
    assert re.sub(r"\bkotlin\.(collections\.)?", "", mfccs) == LANGUAGES[language].features


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
