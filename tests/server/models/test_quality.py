"""The recall that a network file of the third format states, and the faults of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from server.models.catalog import load_catalog
from server.models.network import Network
from tests.support.models.tiny import (
    metrics_of_corpora,
    recall,
    write_extractor,
    write_frame_network,
    write_recording_extractor,
    write_vector_network,
)

BOTH = ("prosody", "baseline")
WRITERS = (write_vector_network, write_frame_network)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A models' directory with prosody and no network."""
    write_extractor(tmp_path)
    write_recording_extractor(tmp_path, 48_000)
    return tmp_path


def load(folder: Path) -> Network:
    catalog = load_catalog(folder)
    assert not catalog.faults
    (network,) = catalog.networks.values()
    return network


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("members", [(), ("prosody",), ("baseline",), BOTH])
def test_the_third_format_has_any_optional_inputs(
    folder: Path, write: Callable[..., Path], members: tuple[str, ...]
) -> None:
    write(folder, "A", members=members, metrics=metrics_of_corpora())
    network = load(folder)
    assert network.optional_members == members
    of_others = network.metadata.metrics.other_corpora
    assert of_others
    assert of_others.uar == 0.41
    assert [corpus.listeners for corpus in of_others.corpora] == [0.6, None]


def test_the_second_corpus_need_not_be_measured(folder: Path) -> None:
    write_vector_network(folder, "A", metrics=metrics_of_corpora(otherCorpora=None))
    assert load(folder).metadata.metrics.other_corpora is None


def test_zeros_stand_for_prosody_and_baseline_of_frames(folder: Path) -> None:
    write_frame_network(folder, "A", members=BOTH, metrics=metrics_of_corpora())
    network = load(folder)
    frames = np.linspace(-2, 2, 100, dtype=np.float32).reshape(4, 25)
    zeros = np.zeros((4, 3), np.float32), np.zeros(57, np.float32)
    assert network.predict(frames) == network.predict(frames, *zeros)
    prosody = np.tile(np.array([3, 1, -20], np.float32), (4, 1))
    assert network.predict(frames, prosody).probabilities != network.predict(frames).probabilities


def test_a_batch_cuts_prosody_at_the_end_of_each_utterance(folder: Path) -> None:
    write_frame_network(folder, "A", members=("prosody",), metrics=metrics_of_corpora())
    network = load(folder)
    frames, prosody = np.ones((2, 30, 25), np.float32), np.ones((2, 30, 3), np.float32)
    prosody[0, :, 0] = np.arange(30)
    scores = network.predict_batch(frames, np.array([10, 30]), prosody, None)
    alone = [
        network.predict(frames[0, :10], prosody[0, :10]),
        network.predict(frames[1], prosody[1]),
    ]
    np.testing.assert_allclose(scores.probabilities, [a.probabilities for a in alone], atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"newSpeakers": 0.6}, "Expected `object | null`, got `float` - at `$.newSpeakers`"),
        (
            {"otherCorpora": recall(1.2, "a")},
            "Expected `float` <= 1.0 - at `$.otherCorpora.uar`",
        ),
        ({"otherCorpora": recall(0.5)}, "length >= 1 - at `$.otherCorpora.corpora`"),
        ({"otherCorpora": {"chance": 0.2}}, "missing required field `uar` - at `$.otherCorpora`"),
        (
            {"newSpeakers": recall(0.5, "Studio", "Studio")},
            "the corpora are ['Studio', 'Studio']; expected each once - at `$.newSpeakers`",
        ),
        ({"newSpeakers": recall(0.5, "a\n")}, r"a corpus is named 'a\n'; expected printable"),
        ({"otherCorpora": recall(0.5, *map(str, range(101)))}, "length <= 100"),
        (
            {"newSpeakers": recall(0.5, "a", confidentPrecision="85 %")},
            "Expected `float | null`, got `str` - at `$.newSpeakers.confidentPrecision`",
        ),
        (
            {"otherCorpora": recall(0.5, "a", corpora=[{"name": "a", "uar": 0.5, "chance": 0.2}])},
            "missing required field `speakers` - at `$.otherCorpora.corpora[0]`",
        ),
    ],
)
def test_the_fault_names_the_member(folder: Path, changes: dict[str, Any], fault: str) -> None:
    write_vector_network(folder, "A", metrics=metrics_of_corpora(**changes))
    (found,) = load_catalog(folder).faults.values()
    assert found.startswith("metadata 'metrics': ")
    assert fault in found
