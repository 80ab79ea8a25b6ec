import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from speech_emotion import Client

from configuration import ROOT
from tests.support.harness import EMOTION, running
from tests.support.hostile.faulty_proxy import FaultyProxy
from tests.support.hostile.server import HostileServer
from tests.support.models.shipped import shipped_recipe
from tests.support.models.tiny import write_frame_network

MODELS = ROOT / "models"
USER_FOLDERS = ("XDG_CACHE_HOME", "XDG_DATA_HOME")
DEADLINE = 120  # seconds; far more than any command here needs

HANDSHAKE = "/init/configuration"
CLIP = np.random.default_rng(0).uniform(-0.5, 0.5, 22_050)  # one second
ESCAPE = "\x1b]0;title\x07\x1b[31mred\u202e\r\n"

Emotion = Callable[..., subprocess.CompletedProcess[str]]
Connect = Callable[..., Client]


@pytest.fixture(scope="session")
def models(models_with_frames: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's models, and a network for frames that uses all that a request may contain."""
    directory = tmp_path_factory.mktemp("models") / "all"
    shutil.copytree(models_with_frames, directory)
    write_frame_network(
        directory,
        "Voice",
        members=("prosody", "baseline"),
        recipe=shipped_recipe(),
        distance_limit=1000.0,
        metrics={"protocol": "none: made for a test", "speakerIndependentUar": 0.1},
    )
    return directory


@pytest.fixture(scope="session")
def server(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real server without Nginx, shared by the tests."""
    runtime = tmp_path_factory.mktemp("run")
    settings = {"SER_MODELS_DIRECTORY": models, "SER_SERVER_WORKERS": 1}
    with running(runtime, "--without-nginx", **settings) as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture
def proxy(server: str) -> Iterator[FaultyProxy]:
    """A proxy before the server that can inject faults."""
    with FaultyProxy(server) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of the command, with an empty cache and no profiles."""
    folders = {name: str(tmp_path_factory.mktemp("user")) for name in USER_FOLDERS}
    return os.environ | folders


@pytest.fixture(scope="session")
def emotion(environment: dict[str, str]) -> Emotion:
    """Runs the installed command and captures its output."""

    def run(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [EMOTION, *map(str, arguments)],
            env=environment | variables,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )

    return run


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    """Four seconds of a modulated harmonic tone, similar to a voice, at 16 kHz."""
    seconds = np.arange(64_000) / 16_000
    carrier = sum(np.sin(2 * np.pi * 120 * n * seconds) / n for n in range(1, 20))
    path = tmp_path / "tone.wav"
    soundfile.write(path, 0.2 * carrier * (1 + np.sin(2 * np.pi * 4 * seconds)) / 2, 16_000)
    return path


@pytest.fixture
def client(server: str, tmp_path: Path) -> Client:
    """The Python API, with an empty cache."""
    return Client(server, cache=tmp_path / "cache")


@pytest.fixture
def hostile() -> Iterator[HostileServer]:
    with HostileServer() as server:
        yield server


@pytest.fixture
def connect(tmp_path: Path) -> Connect:
    def connect(server: HostileServer, **options: Any) -> Client:
        return Client(server.url, cache=tmp_path / "cache", **options)

    return connect


def predict(client: Client, network: str = "F") -> Any:
    return client.predict(CLIP, network, sample_rate=22_050)


def verify(hostile: HostileServer, connect: Connect) -> Any:
    hostile.prediction = {"verdict": "agreement", "detail": ""}
    return connect(hostile).verify()
