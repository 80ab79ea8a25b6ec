import itertools
from typing import Literal

import numpy as np
import pytest
import soundfile

from training.corpora.ravdess import RAVDESS
from training.corpora.reader import read_corpus
from training.corpora.union import Corpora
from training.evaluation import Evaluation
from training.features.recipe import RECIPE
from training.report.corpus_figures import CorpusSummary

Kind = Literal["frames", "vector"]
SEEDS, EPOCHS = 2, 3
CONDITIONS = ("white noise 20 dB", "telephone band")


@pytest.fixture(scope="session")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Corpora:
    """Ten actors, a quarter of a second of noise for each emotion."""
    folder = tmp_path_factory.mktemp("corpus")
    random = np.random.default_rng(0)
    for actor, emotion in itertools.product(range(1, 11), range(1, 9)):
        noise = random.normal(0, 0.1, RECIPE.sample_rate // 4)
        path = folder / f"03-01-{emotion:02d}-01-01-01-{actor:02d}.wav"
        soundfile.write(path, noise, RECIPE.sample_rate)
    return Corpora((read_corpus(folder, RAVDESS),))


@pytest.fixture(scope="session")
def summary(corpora: Corpora) -> CorpusSummary:
    return CorpusSummary.of(corpora)


@pytest.fixture(scope="session")
def evaluations(corpora: Corpora) -> list[Evaluation]:
    """An accurate network, and one at chance level."""
    return [
        evaluation_of(corpora, "Good", "frames", 2.0),
        evaluation_of(corpora, "Bad", "vector", 0),
    ]


def evaluation_of(corpora: Corpora, network: str, kind: Kind, skill: float) -> Evaluation:
    """Two seeds and five folds of two actors; `skill` is added to the logit of the true emotion."""
    labels = corpora.labels
    speakers = np.array([utterance.speaker for utterance in corpora.utterances])
    targets = np.array([labels.index(utterance.emotion) for utterance in corpora.utterances])
    voices = np.unique(speakers)
    random = np.random.default_rng(len(network))
    right = skill * np.eye(len(labels))[targets]
    logits = (right + random.normal(size=(SEEDS, *right.shape))).astype(np.float32)
    return Evaluation(
        network=network,
        input=kind,
        labels=labels,
        folds=tuple(tuple(voices[index::5]) for index in range(5)),
        seeds=tuple(range(SEEDS)),
        targets=targets,
        speakers=speakers,
        corpora=np.array(corpora.corpus_of),
        fold=np.searchsorted(voices, speakers) % 5,
        logits=logits,
        distances=np.ones(len(targets), np.float32),
        temperatures=np.ones((SEEDS, 5)),
        robustness={name: logits[..., ::-1].copy() for name in CONDITIONS},
        history={"loss": random.random((SEEDS, 5, EPOCHS)).astype(np.float32)},
        permuted_uar=0.12,
        random_split_uar=None,
    )
