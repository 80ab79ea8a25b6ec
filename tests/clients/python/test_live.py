"""`emotion live`: what it prints for windows of sound, and what it says without a microphone."""

import json
import sys
from itertools import pairwise

import numpy as np
import pytest
import soundfile
from speech_emotion import Client, cli
from speech_emotion.command.live import lines
from speech_emotion.command.parser import parser

from tests.clients.python.conftest import MODELS


@pytest.mark.parametrize("form", ["text", "json"])
def test_each_window_is_a_line(form: str, client: Client) -> None:
    sound, rate = soundfile.read(MODELS / "reference-48000.wav", dtype="float32")
    windows = [sound[:rate], sound[rate : 2 * rate], np.zeros(rate, np.float32)]
    arguments = [
        "live",
        "--every",
        "1",
        "--network",
        "CNN",
        *(["--json"] if form == "json" else []),
    ]
    found = list(lines(client, windows, rate, parser().parse_args(arguments)))
    assert len(found) == 3
    if form == "json":
        answers = [json.loads(line) for line in found]
        assert [answer["start"] for answer in answers] == [0.0, 1.0, 2.0]
        assert all(one["end"] == two["start"] for one, two in pairwise(answers))
        assert answers[2]["finding"]["code"] == "silence"
    else:
        assert found[2] == "       2.0 -      3.0 s  silent"


def test_without_sounddevice_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)  # as if it were not installed
    assert cli.main(["live", "--models", str(MODELS / "DNN.onnx")]) == 14
    assert "pip install 'speech-emotion-client[live]'" in capsys.readouterr().err
