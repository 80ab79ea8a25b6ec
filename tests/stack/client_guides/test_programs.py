"""The programs of docs/clients find that their features agree, and get the right prediction."""

import json
import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import soundfile

from tests.support.harness import ROOT, Server
from tests.support.languages.native_runtime import java_binding, library, part
from tests.support.missing import missing
from tests.support.models.shipped import MODELS
from tests.support.sounds import Float32, write
from tests.support.web.node import NODE_MODULES, find_node

PROGRAMS = ROOT / "docs" / "clients"
RATE = 48_000
TIMEOUT = 300  # seconds; compilers need 5 s of an idle core
JAVA = "sudo apt-get install default-jdk-headless libgoogle-gson-java"
CPP = "sudo apt-get install g++ libcurl4-openssl-dev libsndfile1-dev libssl-dev nlohmann-json3-dev"
Command = list[str | Path]


@pytest.fixture(scope="module")
def audio() -> Float32:
    """A vowel in stereo, whose channels differ: (samples, 2)."""
    seconds = np.arange(RATE) / RATE
    harmonics = [np.sin(2 * np.pi * 120 * k * seconds) / k for k in range(1, 20)]
    swell = 0.05 * (1 + np.sin(7 * seconds))
    vowel = swell * np.sum(harmonics, axis=0)
    return np.stack([vowel, np.roll(vowel, 40)], axis=1).astype(np.float32)


@pytest.fixture(scope="module")
def recording(audio: Float32, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("recording") / "vowel.wav", audio, RATE)


@pytest.fixture(scope="module")
def expected(server: Server, recording: Path) -> dict[str, float]:
    """The prediction for the features that the extractor computes in Python."""
    audio, _ = soundfile.read(recording, dtype="float32")  # the file's 16 bits, as the programs
    path = MODELS / f"extractor-{RATE}.onnx"
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    frames, prosody = session.run(["frames", "prosody"], {"audio": audio})
    body = {"mfccs": frames.tolist(), "prosody": prosody.tolist()}
    return probabilities(server.client.post("/prediction/TCN", json=body).json())


def probabilities(answer: dict[str, Any]) -> dict[str, float]:
    return {result["emotionType"]: result["prediction"] for result in answer["results"]}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Command:
    if not (NODE_MODULES / "onnxruntime-web").exists():
        missing("onnxruntime-web is missing: `scripts/page` installs it")
    folder = tmp_path_factory.mktemp("node")
    (folder / "node_modules").symlink_to(NODE_MODULES)
    return [find_node(), shutil.copy(PROGRAMS / "node" / "emotion.mjs", folder)]


@pytest.fixture(scope="module")
def cpp(tmp_path_factory: pytest.TempPathFactory) -> Command:
    headers = ("curl/curl.h", "sndfile.hh", "openssl/sha.h", "nlohmann/json.hpp")
    if shutil.which("g++") is None or not all(map(is_installed, headers)):
        missing(f"g++ or a library of C++ is missing: {CPP}")
    folder = tmp_path_factory.mktemp("cpp")
    (folder / "libonnxruntime.so.1").symlink_to(library())
    source = PROGRAMS / "cpp" / "emotion.cpp"
    options: Command = ["-std=c++17", "-Wall", "-Wextra", "-Werror", "-isystem", part("headers")]
    libraries: Command = [library(), f"-Wl,-rpath,{folder}", "-lcurl", "-lsndfile", "-lcrypto"]
    compiler = ["g++", *options, source, *libraries, "-o", folder / "emotion"]
    subprocess.run(compiler, check=True, timeout=TIMEOUT)
    return [folder / "emotion"]


def is_installed(header: str) -> bool:
    folders = [Path("/usr/include"), *Path("/usr/include").glob("*-linux-gnu")]
    return any((folder / header).exists() for folder in folders)


@pytest.fixture(scope="module")
def java(tmp_path_factory: pytest.TempPathFactory) -> Command:
    gson = Path("/usr/share/java/gson.jar")
    if platform.machine() != "x86_64":
        pytest.skip("the native part of the Java binding is for x86-64")
    if shutil.which("javac") is None or not gson.exists():
        missing(f"Java or Gson is missing: {JAVA}")
    folder = tmp_path_factory.mktemp("java")
    classes = f"{part('classes.jar')}:{gson}"
    environment = ["env", f"LD_LIBRARY_PATH={folder}"]
    options = [*java_binding(folder), "-cp", classes]
    return [*environment, "java", *options, PROGRAMS / "java" / "Emotion.java"]


def run(command: Command, server: Server, recording: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command, f"http://127.0.0.1:{server.port}", recording],
        cwd=recording.parent,
        env=os.environ | {"ORT_DISABLE_TELEMETRY": "1"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


@pytest.mark.parametrize("language", ["node", "cpp", "java"])
def test_the_program_verifies_itself_and_predicts(
    language: str,
    request: pytest.FixtureRequest,
    server: Server,
    recording: Path,
    expected: dict[str, float],
) -> None:
    done = run(request.getfixturevalue(language), server, recording)
    assert done.returncode == 0, done.stderr
    *verdicts, answer = done.stdout.splitlines()
    clips = [clip["name"] for clip in server.client.get("/init/configuration").json()["references"]]
    assert verdicts == [f"{clip}: agreement, prosody: agreement" for clip in clips]
    assert probabilities(json.loads(answer)) == pytest.approx(expected, abs=1e-3)


def test_a_rate_without_an_extractor_is_named(
    cpp: Command, server: Server, audio: Float32, tmp_path: Path
) -> None:
    done = run(cpp, server, write(tmp_path / "vowel.wav", audio, 12_345))
    assert done.returncode != 0
    assert "There is no extractor for this rate" in done.stderr
