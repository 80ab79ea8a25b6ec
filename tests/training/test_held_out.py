"""The clips that a corpus of one's own sets aside."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.conftest import Here
from training.cross_validation import Experiment
from training.examples import Examples
from training.features.cache import ORIGINAL
from training.held_out import HeldOut, held_out_text, measure_held_out
from training.storage.atomic_write import write_array
from training.systems import dnn
from training.systems.base.system import Caches
from training.systems.base.trainer import Trainer

SEEDS = (1, 2)


@pytest.fixture(scope="module")
def trainer(clouds: Examples, tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    """A network, with the vectors as recordings of one frame."""
    caches = Caches.under(tmp_path_factory.mktemp("cache"))
    for content, vector in zip(clouds.content_hashes, clouds.recordings, strict=True):
        write_array(caches.features.path(str(content), ORIGINAL.folder), vector[None])
    return Trainer.of(dnn.SYSTEM.with_hyperparameters({"epochs": 150, "variants": 1}), caches)


def measured(trainer: Trainer, examples: Examples, folder: Path) -> HeldOut:
    """With every clip of the last speaker and one of the first set aside."""
    held_out = examples.of(["09"])
    held_out[0] = True
    return measure_held_out(Experiment(trainer, examples, folder, {}), held_out, SEEDS, Here())


def test_clips_that_were_set_aside_are_measured_with_every_seed(
    trainer: Trainer, clouds: Examples, tmp_path: Path
) -> None:
    found = measured(trainer, clouds, tmp_path)
    assert (found.clips, found.speakers, found.known_speakers) == (9, 2, 1)
    assert (found.emotions, found.seeds) == (4, 2)
    assert found.uar.mean > 0.5
    assert "clips: 9, speakers: 2 (1 known from training), seeds: 2" in held_out_text(found)


def test_an_emotion_that_the_corpus_lacks_is_never_predicted(
    trainer: Trainer, clouds: Examples, tmp_path: Path
) -> None:
    possible = np.eye(len(clouds.labels), dtype=bool)
    for lacking, recall in ((possible, 1.0), (~possible, 0.0)):
        examples = replace(clouds, possible=lacking[clouds.targets])
        assert measured(trainer, examples, tmp_path).uar.mean == recall
