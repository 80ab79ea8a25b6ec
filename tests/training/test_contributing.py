"""The corruption in CONTRIBUTING.md works as it is written there."""

import re
from pathlib import Path

import numpy as np
import pytest

from configuration import ROOT
from training import corruptions


@pytest.fixture
def hum() -> corruptions.Condition:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(@dataclass.*?)```", text, re.DOTALL)
    names = dict(vars(corruptions))
    exec(code, names)  # the documented example
    condition: corruptions.Condition = names["Hum"]()
    return condition


def test_the_example_is_a_corruption_of_every_clip(
    hum: corruptions.Condition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corruptions, "OTHERS", (*corruptions.OTHERS, hum))
    speakers = corruptions.BabbleSpeakers({"ab": Path("one.wav"), "cd": Path("other.wav")})
    *_, last = speakers.conditions("0f")
    silence = np.zeros(22_050, np.float32)
    spectrum = np.abs(np.fft.rfft(last.apply(silence, "0f")))
    assert last.folder.startswith("hum-")
    assert spectrum.argmax() == 50
