"""What a network file says about itself beside its arithmetic."""

import json
import platform
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from training.augmentation import AUGMENTATION
from training.calibration import distance_limit, fit_temperature
from training.corpora import Corpus
from training.protocol import OutOfFold, measure
from training.recipe import RECIPE
from training.settings import TrainingSettings

FORMAT = "speech-emotion-network/1"

INTENDED_USE = {
    "for": [
        "research and teaching on speech emotion recognition",
        "demonstrations of on-device feature extraction in which a person sees the result",
        "comparison with other networks on the same protocol",
    ],
    "not_for": [
        "decisions about a person: hiring, dismissal, credit, insurance, school, border or police",
        "medical or psychological diagnosis",
        "lie detection, or any claim about what a person truly feels",
        "watching people who have not agreed to it",
        "languages, ages and recording conditions other than those trained on, without measuring",
    ],
}


def network_metadata(
    network: str, corpus: Corpus, settings: TrainingSettings, result: OutOfFold
) -> dict[str, str]:
    """The `metadata_props` of a network file: every value but `format` is a JSON text."""
    values = {
        "input": "vector",
        "labels": corpus.reader.emotions,
        "recipe": RECIPE.as_json(),
        "distance_limit": distance_limit(result.distances),
        "metrics": _metrics(result, corpus.reader.emotions),
        "corpus": _corpus(corpus),
        "training": _training(network, settings),
        "intended_use": INTENDED_USE,
    }
    return {"format": FORMAT, **{key: json.dumps(value) for key, value in values.items()}}


def _metrics(result: OutOfFold, labels: tuple[str, ...]) -> dict[str, Any]:
    metrics = measure(result, labels)
    limit = distance_limit(result.distances)
    return {
        "protocol": (
            f"speaker-independent cross-validation: {len(result.folds)} folds by speaker, "
            "the sexes spread evenly; figures over all out-of-fold utterances together"
        ),
        "speakerIndependentUar": round(metrics.uar, 4),
        "speakerIndependentAccuracy": round(metrics.accuracy, 4),
        "foldUar": [round(uar, 4) for uar in metrics.fold_uar],
        "perEmotion": {
            label: {name: round(value, 4) for name, value in asdict(score).items()}
            for label, score in metrics.emotions.items()
        },
        "confusion": metrics.confusion.tolist(),
        "temperature": round(fit_temperature(result.logits, result.targets), 4),
        "unseenSpeakersWarned": round(float((result.distances > limit).mean()), 4),
    }


def _corpus(corpus: Corpus) -> dict[str, Any]:
    return {
        "name": corpus.reader.name,
        "description": corpus.reader.description,
        "speakers": len({item.speaker for item in corpus.utterances}),
        "utterances": len(corpus.utterances),
        "licence": corpus.reader.licence,
        "citation": corpus.reader.citation,
    }


def _training(network: str, settings: TrainingSettings) -> dict[str, Any]:
    packages = ("torch", "librosa", "soundfile", "soxr", "numpy", "scikit-learn", "onnx")
    return {
        "command": f"python -m training fit --network {network} && "
        f"python -m training export --network {network}",
        "settings": settings.of_the_fit(),
        "augmentation": asdict(AUGMENTATION),
        "versions": {
            "python": platform.python_version(),
            **{package: version(package) for package in packages},
        },
    }
