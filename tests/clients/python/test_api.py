import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
from speech_emotion import Client
from speech_emotion.errors import UnknownNetworkError

from configuration import ROOT
from tests.clients.python.conftest import DEADLINE


def python(code: str, folder: Path, environment: dict[str, str]) -> str:
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=True,
    ).stdout


def test_the_readme_example_runs(server: str, tone: Path, environment: dict[str, str]) -> None:
    readme = (ROOT / "clients/python/README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    tone.rename(tone.parent / "speech.wav")
    code = example.replace("http://localhost:8080", server)
    emotion, probability = python(code, tone.parent, environment).split()
    assert emotion.isalpha()
    assert 0 < float(probability) <= 1


def test_samples_and_their_file_give_the_same_prediction(client: Client, tone: Path) -> None:
    samples, rate = soundfile.read(tone)
    assert client.predict(samples, "CNN", rate) == client.predict(str(tone), "CNN")


def test_samples_without_a_rate_are_refused(client: Client, tone: Path) -> None:
    samples, _ = soundfile.read(tone)
    with pytest.raises(TypeError, match="samples require a sample_rate"):
        client.predict(samples)


def test_a_client_is_not_changed_after_it_was_made(client: Client) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        client.server = "http://localhost:9"  # type: ignore[misc]


def test_an_unknown_network_is_an_error_before_the_file_is_read(client: Client) -> None:
    with pytest.raises(UnknownNetworkError, match=r"no network 'GRU'\. Networks: CNN, DNN"):
        client.predict("missing.wav", "GRU")
