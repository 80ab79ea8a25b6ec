"""Models that loop, ask for all memory or crash are refused within limits, each with its reason."""

from pathlib import Path

import pytest

from server.models.verification import VerificationError, verify
from server.settings import ModelSettings
from tests.support.hostile.models import (
    write_growing_network,
    write_huge_network,
    write_looping_network,
)

SETTINGS = ModelSettings(verification_timeout_seconds=3)


def test_a_network_with_an_endless_loop_is_refused(models: Path) -> None:
    write_looping_network(models, "LOOP")
    found = verify(models, SETTINGS)
    assert list(found.networks) == ["DNN", "TCN"]
    assert found.faults == {"LOOP.onnx": "is not verified after 3 s, verification_timeout_seconds"}


def test_networks_that_ask_for_all_memory_are_refused(models: Path) -> None:
    write_growing_network(models, "GROW")
    write_huge_network(models, "HUGE", 100_000)
    found = verify(models, ModelSettings())
    assert list(found.networks) == ["DNN", "TCN"]
    assert list(found.faults) == ["GROW.onnx", "HUGE.onnx"]
    assert "memory" in found.faults["HUGE.onnx"]


def test_a_verification_that_cannot_start_is_no_fault_of_a_file(models: Path) -> None:
    with pytest.raises(VerificationError, match="Cannot verify models"):
        verify(models, ModelSettings(verification_memory_bytes=1_000_000))
