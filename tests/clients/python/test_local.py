"""Predictions on this machine: the same as the server's, and nothing is posted."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
from speech_emotion import Baseline, Client
from speech_emotion.errors import ExtractorError, UnknownNetworkError
from speech_emotion.local.client import LocalClient

from tests.clients.python.conftest import HANDSHAKE, MODELS, Emotion
from tests.support.harness import free_port
from tests.support.hostile.faulty_proxy import Answer, Change, FaultyProxy, replaced_by

FILE = "/init/networks/CNN.onnx"
EMPTY_FIELD = b"\x7a\x00"  # of a message, with a number that ONNX does not use there


def metadata_entry(content: bytes) -> bytes:
    """An ONNX model that is nothing but one entry of its metadata."""
    return delimited(14, content)


def with_texts(key: str, value: str) -> bytes:
    return delimited(1, key.encode()) + delimited(2, value.encode())


def delimited(number: int, content: bytes) -> bytes:
    """A field in the format of Protocol Buffers."""
    length, rest = bytearray(), len(content)
    while rest > 127:
        length.append(rest & 127 | 128)
        rest >>= 7
    return bytes([number << 3 | 2, *length, rest]) + content


def offering(content: bytes | None) -> Change:
    """A handshake whose file of CNN has this content; None: it offers no file of CNN."""

    def change(answer: Answer) -> Answer:
        document = json.loads(answer.body)
        (network,) = (one for one in document["networks"] if one["networkType"] == "CNN")
        if content is None:
            del network["file"]
        else:
            network["file"]["sha256"] = hashlib.sha256(content).hexdigest()
        return replace(answer, body=json.dumps(document).encode())

    return change


def test_every_network_answers_as_on_the_server(
    client: Client, models: Path, tone: Path, tmp_path: Path
) -> None:
    local = LocalClient(f"localhost:{free_port()}", tmp_path, models=models)
    tone_features = client.features(tone)
    voice = Baseline().with_clip(client.features(MODELS / "reference.wav"))
    assert local.contract.recipe == client.contract.recipe
    for network in client.contract.networks:
        for baseline in (None, voice):
            theirs = client.predict_features(tone_features, network.name, baseline)
            ours = local.predict_features(tone_features, network.name, baseline)
            assert ours.probabilities == pytest.approx(theirs.probabilities, abs=1e-4)
            assert ours.finding == theirs.finding
            codes = [one.warning.code if one.warning else None for one in (ours, theirs)]
            assert codes[0] == codes[1]


def test_a_network_of_the_server_is_fetched_once_and_nothing_is_posted(
    proxy: FaultyProxy, emotion: Emotion, tone: Path, tmp_path: Path
) -> None:
    arguments = ("predict", tone, "--local", "--network", "CNN", "--json", "--server", proxy.url)
    first, second = (emotion(*arguments, XDG_CACHE_HOME=str(tmp_path)) for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout
    assert proxy.count(FILE) == 1
    assert not any(body for _, body in proxy.requests)


def test_a_file_with_another_hash_or_none_is_refused(
    proxy: FaultyProxy, tone: Path, tmp_path: Path
) -> None:
    proxy.faults[FILE] = [replaced_by(200, b"another file")]
    local = LocalClient(proxy.url, tmp_path)
    features = local.features(tone)
    with pytest.raises(ExtractorError, match=r"network CNN has the SHA-256 hash .* not used"):
        local.predict_features(features, "CNN")
    proxy.faults[HANDSHAKE] = [offering(None)]
    with pytest.raises(UnknownNetworkError, match="does not offer the file of CNN"):
        LocalClient(proxy.url, tmp_path).predict_features(features, "CNN")


def test_a_network_without_a_server(emotion: Emotion, tmp_path: Path) -> None:
    for name in ("DNN.onnx", "CNN.onnx", "mfcc.onnx", "extractor-22050.onnx"):
        shutil.copy(MODELS / name, tmp_path)
    clip = tmp_path / "clip.wav"
    soundfile.write(clip, soundfile.read(MODELS / "reference.wav")[0], 22_050)
    done = emotion("predict", clip, "--models", tmp_path / "DNN.onnx", "--json")
    answer = json.loads(done.stdout)
    assert (answer["network"], done.returncode) == ("DNN", 0)
    wrong = emotion("predict", clip, "--models", tmp_path / "DNN.onnx", "--network", "CNN")
    assert "The server has no network 'CNN'. Networks: DNN." in wrong.stderr
    missing = emotion("predict", clip, "--models", tmp_path / "none")
    assert missing.returncode == 6
    assert "none: No such file or directory" in missing.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no model", "is no network's file"),
        (b"", "is no network's file"),
        (EMPTY_FIELD * 2_000_000, "a message in it has more than 100,000 fields"),
        (metadata_entry(EMPTY_FIELD * 2_000_000), "a message in it has more than 16 fields"),
        (metadata_entry(with_texts("labels", 100_000 * "[")), "RecursionError"),
    ],
    ids=["text", "empty", "empty fields", "empty fields of an entry", "nested labels"],
)
def test_a_file_that_is_no_network_is_refused(
    *, content: bytes, message: str, proxy: FaultyProxy, tone: Path, tmp_path: Path
) -> None:
    proxy.faults[HANDSHAKE] = [offering(content)]
    proxy.faults[FILE] = [replaced_by(200, content)]
    local = LocalClient(proxy.url, tmp_path)
    with pytest.raises(ExtractorError, match=message):
        local.predict(tone, "CNN")
