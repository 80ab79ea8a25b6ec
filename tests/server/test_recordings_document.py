"""The resampling and the statistics of docs/recordings.md are those of the extractors."""

import re
from typing import Any

import msgspec
import numpy as np
import onnxruntime
import pytest

from configuration import ROOT
from server.api.configuration import describe
from server.models.catalog import load_catalog
from server.settings import ServerSettings


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The names of the document's Python code."""
    text = (ROOT / "docs" / "recordings.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    return names


@pytest.fixture(scope="module")
def handshake() -> dict[str, Any]:
    catalog = load_catalog(ROOT / "models", run_extractors=False)
    assert catalog.contract
    members: dict[str, Any] = msgspec.to_builtins(
        describe(catalog.contract, catalog, ServerSettings().maximum_frames, downloads=True)
    )
    return members


@pytest.fixture(scope="module")
def extractors(handshake: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """The extractors in the handshake, by sample rate."""
    return {item["sampleRate"]: item for item in handshake["recordings"]["extractors"]}


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000, 96_000])
def test_the_code_resamples_as_the_extractor(
    document: dict[str, Any], extractors: dict[int, dict[str, Any]], rate: int
) -> None:
    random = np.random.default_rng(rate)
    recording = random.normal(0, 0.1, (rate + rate // 7, 2)) * [1.0, 0.3]
    mono = document["resampled"](recording, extractors[rate])
    inputs = {
        "mfcc.onnx": mono.astype(np.float32),
        f"extractor-{rate}.onnx": recording.astype(np.float32),
    }
    ours, theirs = (
        onnxruntime.InferenceSession(ROOT / "models" / name).run(["frames"], {"audio": audio})[0]
        for name, audio in inputs.items()
    )
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() < 0.01


def test_the_document_defines_each_statistic(handshake: dict[str, Any]) -> None:
    text = (ROOT / "docs" / "recordings.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| (`.*?) \|", text.split("**The statistics.**")[1], re.MULTILINE)
    defined = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    assert set(handshake["prosody"]["statistics"]) <= defined
