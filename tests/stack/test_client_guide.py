"""The guide for client developers: its program and its command work as printed."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from configuration import ROOT
from tests.support.harness import DEADLINE, Server
from tests.support.sounds import Float32, write
from training.arrays import Float64

GUIDE = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
ON_THE_DEVICE, PROGRAM = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
(REFUSED,) = re.findall(r"^curl .*?}'$", GUIDE, re.DOTALL | re.MULTILINE)
Rows = tuple[Float64, Float64]


def voice(pitch: float, rate: int, channels: int) -> Float32:
    """A vowel of a second: (samples, channels)."""
    seconds = np.arange(rate) / rate
    harmonics = [np.sin(2 * np.pi * pitch * k * seconds) / k for k in range(1, 20)]
    swell = 0.05 * (1 + np.sin(7 * seconds))
    return np.stack([swell * np.sum(harmonics, axis=0)] * channels, axis=1).astype(np.float32)


@pytest.fixture(scope="module")
def output(server: Server, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The lines that the program prints for recordings of three microphones."""
    folder = tmp_path_factory.mktemp("guide")
    (folder / "client.py").write_text(PROGRAM, encoding="utf-8")
    clips = [(110.0, 48_000, 2), (120.0, 16_000, 1), (230.0, 44_100, 1)]
    paths = [
        write(folder / f"{pitch:.0f}.wav", voice(pitch, rate, channels), rate)
        for pitch, rate, channels in clips
    ]
    command = [sys.executable, "client.py", f"http://127.0.0.1:{server.port}", *map(str, paths)]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=DEADLINE, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_features_of_every_reference_agree(server: Server, output: list[str]) -> None:
    names = [clip["name"] for clip in server.client.get("/init/configuration").json()["references"]]
    assert output[: len(names)] == [f"{name} agreement agreement" for name in names]


def test_every_network_answers(server: Server, output: list[str]) -> None:
    networks = server.client.get("/init/configuration").json()["networks"]
    lines = output[-len(networks) :]
    assert [line.partition(" ")[0] for line in lines] == [each["networkType"] for each in networks]
    assert any("['prosody', 'baseline']" in line for line in lines)


def function(name: str) -> Callable[..., Any]:
    """A function of the program."""
    definitions = [node for node in ast.parse(PROGRAM).body if isinstance(node, ast.FunctionDef)]
    names: dict[str, Any] = {"np": np}
    exec(compile(ast.Module([*definitions], []), "client.py", "exec"), names)
    found: Callable[..., Any] = names[name]
    return found


def added(known: Rows, count: int, moments: Rows) -> Rows:
    """Mean and spread with one clip more, by the guide's formula."""
    old = known[0], known[1] ** 2 + known[0] ** 2
    mean, square = (
        (before * count + clip) / (count + 1) for before, clip in zip(old, moments, strict=True)
    )
    return mean, np.sqrt(np.maximum(0, square - mean**2))


def test_the_baseline_is_the_same_when_clips_are_added_one_by_one() -> None:
    random = np.random.default_rng(1)
    clips = [(random.normal(0, 30, (40, 25)), random.uniform(1, 4, (40, 3))) for _ in range(4)]
    for _, prosody in clips:
        prosody[::3, 0] = 0  # unvoiced
    whole = function("baseline")(clips)
    known = np.zeros(28), np.zeros(28)
    for count, clip in enumerate(clips):
        known = added(known, count, tuple(function("moments")(*clip)))
    found = [*whole["mfccs"]["mean"], *whole["prosody"]["mean"]]
    np.testing.assert_allclose(found, known[0])
    np.testing.assert_allclose([*whole["mfccs"]["spread"], *whole["prosody"]["spread"]], known[1])


@pytest.mark.filterwarnings("ignore:Mean of empty slice")
def test_a_clip_without_voiced_frames_leaves_the_pitch_as_it_is() -> None:
    clip = np.ones((10, 25)), np.full((10, 3), 2.5)
    unvoiced = np.ones((10, 25)), np.array([[0, 0.1, -50.0]] * 10)
    baseline = function("baseline")
    assert baseline([clip, unvoiced])["prosody"]["mean"][0] == 2.5
    assert baseline([unvoiced])["prosody"] == {
        "mean": [0, pytest.approx(0.1), -50],
        "spread": [0, pytest.approx(0, abs=1e-6), 0],
    }


def test_the_network_on_the_device_answers_as_the_server(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(1)
    frames = random.normal(0, 30, (40, 25)).astype(np.float32)
    prosody = np.tile(np.array([2.5, 0.8, -30], np.float32), (40, 1))
    monkeypatch.chdir(ROOT / "models")
    exec(compile(ON_THE_DEVICE, "device.py", "exec"), {"frames": frames, "prosody": prosody})
    found, outside = capsys.readouterr().out.splitlines()
    body = {"mfccs": frames.tolist(), "prosody": prosody.tolist()}
    told = server.client.post("/prediction/TCN", json=body).json()
    expected = {each["emotionType"]: each["prediction"] for each in told["results"]}
    assert ast.literal_eval(found) == pytest.approx(expected, abs=1e-4)
    assert outside.endswith(str("warning" in told))


def test_the_refused_baseline_is_refused_as_the_guide_says(server: Server) -> None:
    command = REFUSED.replace("localhost:8080", f"127.0.0.1:{server.port}") + " --silent"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, timeout=DEADLINE, check=True
    )
    problem = json.loads(done.stdout)
    assert f"status {problem['status']} and the pointer `{problem['pointer']}`" in GUIDE
