import os

import pytest

from training.console.device import VISIBLE, DeviceError, fitting_on


def test_no_process_sees_a_gpu_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VISIBLE, "1,2")
    with fitting_on("cpu") as text:
        assert text == "device: cpu"
        assert os.environ[VISIBLE] == ""
    assert os.environ[VISIBLE] == "1,2"


def test_a_variable_that_was_not_set_is_not_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VISIBLE, raising=False)
    with fitting_on("cpu"):
        assert os.environ[VISIBLE] == ""
    assert VISIBLE not in os.environ


def test_a_gpu_is_asked_for_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VISIBLE, "")
    with pytest.raises(DeviceError, match="PyTorch finds no GPU; expected auto or cpu here"):
        fitting_on("cuda").__enter__()
    with fitting_on("auto") as text:
        assert text == "device: cpu"
