"""The corruption in CONTRIBUTING.md works as it is written there."""

import re
from pathlib import Path

import numpy as np
import pytest

from configuration import ROOT
from training import corruptions


@pytest.fixture
def hum() -> corruptions.Effect:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(def hum.*?)```", text, re.DOTALL)
    names = dict(vars(corruptions))
    exec(code, names)  # the documented example
    effect: corruptions.Effect = names["hum"]
    return effect


def test_the_example_is_a_corruption_of_every_clip(
    hum: corruptions.Effect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corruptions, "OTHERS", {**corruptions.OTHERS, "hum": hum})
    voices = {"ab": Path("one.wav"), "cd": Path("other.wav")}
    *_, last = corruptions.corruptions("0f", voices)
    silence = np.zeros(22_050, np.float32)
    spectrum = np.abs(np.fft.rfft(last.apply(silence, "0f")))
    assert last.name == "hum"
    assert spectrum.argmax() == 50
