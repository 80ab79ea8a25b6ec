"""The metadata of a network file: labels, recipe, metrics, corpus, training, intended use."""

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import numpy as np

from training.audio.copies import SPEED
from training.calibration import Temperature, distance_limit
from training.corpora.reader import Facts, Utterance
from training.corpora.union import Corpora
from training.evaluation import Evaluation
from training.export.protocol_figures import protocol_figures
from training.features.recipe import RECIPE
from training.protocols.few_speakers import worth
from training.protocols.results import MFCCS_ALONE, Results
from training.settings import DataSettings
from training.systems.base.trainer import Trainer
from training.voice.clips import FORMS, MEASURED_WITH
from training.voice.identification import Identification

FORMAT = "speech-emotion-network/1"
FORMAT_WITH_OPTIONAL_INPUTS = "speech-emotion-network/2"  # prosody, baseline, beside a vector
FORMAT_OF_SEVERAL_CORPORA = "speech-emotion-network/3"  # and frames with optional inputs
FORMATS = (FORMAT, FORMAT_WITH_OPTIONAL_INPUTS, FORMAT_OF_SEVERAL_CORPORA)

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
    corpora: Corpora,
    trainer: Trainer,
    results: Results,
    identification: Identification | None = None,
) -> dict[str, str]:
    """The `metadata_props` of a network file; all values except `format` are JSON texts.

    `identification` is that of a network with the input `baseline`.
    """
    evaluation = results.evaluation
    values: dict[str, Any] = {
        "input": evaluation.input,
        "labels": evaluation.labels,
        "recipe": RECIPE.as_json(),
        "distance_limit": _limit(results),
        "metrics": _metrics(results),
        "corpus": _corpora(corpora),
        "training": _training(corpora, trainer),
        "intended_use": INTENDED_USE,
    }
    if identification:
        values["baseline_limit"] = identification.limit
        values["metrics"]["optionalMembers"] = _forms(results)
        values["metrics"]["baselineDistance"] = _identification(identification)
    form = _format(results, identification)
    if form == FORMAT_OF_SEVERAL_CORPORA:
        names = {corpus.reader.key: corpus.reader.name for corpus in corpora.corpora}
        values["metrics"] |= protocol_figures(results, names)
    return {"format": form, **{key: json.dumps(value) for key, value in values.items()}}


def _format(results: Results, identification: Identification | None) -> str:
    """The oldest that can say it: servers of older versions read it too."""
    frames = results.evaluation.input == "frames"
    if results.several or (frames and identification):
        return FORMAT_OF_SEVERAL_CORPORA
    return FORMAT_WITH_OPTIONAL_INPUTS if identification else FORMAT


def _forms(results: Results) -> list[dict[str, Any]]:
    """What requests with prosody, with a baseline or with both gain."""
    return [
        _form(name, evaluation, results.temperatures[name])
        for name, evaluation in results.new_speakers.items()
        if name != MFCCS_ALONE
    ]


def _form(name: str, evaluation: Evaluation, temperature: Temperature) -> dict[str, Any]:
    uar, interval = evaluation.uar(), evaluation.interval()
    return {
        "given": name.split(" and "),
        "clips": MEASURED_WITH if FORMS[name].baseline else 0,
        "speakerIndependentUar": round(uar.mean, 4),
        "uarDeviation": round(uar.deviation, 4),
        "uarInterval": [round(interval.low, 4), round(interval.high, 4)],
        "speakerIndependentAccuracy": round(evaluation.accuracy().mean, 4),
        "macroF1": round(evaluation.macro_f1().mean, 4),
        "expectedCalibrationError": round(evaluation.ece().mean, 4),
        "temperature": round(temperature.at_one, 4),
        "temperatureExponent": round(temperature.exponent, 4),
    }


def _identification(identification: Identification) -> dict[str, Any]:
    shares = {"mfccs": identification.mfccs, "prosody": identification.prosody}
    return {
        name: {
            "ownClipsWarned": round(found.own, 4),
            "otherSpeakersWarned": round(found.other_speaker, 4),
            "telephoneWarned": round(found.telephone, 4),
        }
        for name, found in shares.items()
    }


def _limit(results: Results) -> float:
    return distance_limit(results.evaluation.distances, several_corpora=results.several)


def _metrics(results: Results) -> dict[str, Any]:
    evaluation = results.evaluation
    uar, interval, ece = evaluation.uar(), evaluation.interval(), evaluation.ece()
    limit, temperature = _limit(results), results.temperatures[MFCCS_ALONE]
    return {
        "protocol": _protocol(results),
        "seeds": list(evaluation.seeds),
        "folds": [list(fold) for fold in evaluation.folds],
        "speakerIndependentUar": round(uar.mean, 4),
        "uarDeviation": round(uar.deviation, 4),
        "uarInterval": [round(interval.low, 4), round(interval.high, 4)],
        "speakerIndependentAccuracy": round(evaluation.accuracy().mean, 4),
        "macroF1": round(evaluation.macro_f1().mean, 4),
        "foldUar": [round(uar, 4) for uar in evaluation.fold_uar()],
        "perEmotion": {
            label: {name: round(value, 4) for name, value in asdict(score).items()}
            for label, score in evaluation.emotions().items()
        },
        "confusion": np.round(evaluation.confusion(), 2).tolist(),
        "expectedCalibrationError": round(ece.mean, 4),
        "expectedCalibrationErrorDeviation": round(ece.deviation, 4),
        "temperature": round(temperature.at_one, 4),
        "temperatureExponent": round(temperature.exponent, 4),
        "unseenSpeakersWarned": round(float((evaluation.distances > limit).mean()), 4),
        "permutedLabelsUar": _rounded(evaluation.permuted_uar),
        "inflatedRandomSplitUar": _rounded(evaluation.random_split_uar),
        "robustness": {name: round(evaluation.uar(name).mean, 4) for name in evaluation.robustness},
        **_as_recorded(results),
    }


def _as_recorded(results: Results) -> dict[str, float]:
    """Of several corpora: the recall of the clips that the conditions were measured on."""
    evaluation = results.evaluation
    if not (results.several and evaluation.robustness):
        return {}
    condition = next(iter(evaluation.robustness))
    return {"robustnessAsRecorded": round(evaluation.as_recorded(condition).mean, 4)}


def _protocol(results: Results) -> str:
    evaluation = results.evaluation
    seeds = len(evaluation.seeds)
    few = worth(evaluation.folds)
    several = " over all corpora; figures are the mean of the corpora, each"
    return (
        f"speaker-independent cross-validation: {len(evaluation.folds)} folds by speaker"
        + (several if results.several else "; figures")
        + " over all out-of-fold utterances together, "
        + (f"mean of {seeds} seeds" if seeds > 1 else "one seed")
        + (f"; {few}" if few else "")
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _corpora(corpora: Corpora) -> dict[str, Any]:
    """One corpus, or several together and then each of them."""
    together = _facts(corpora, corpora.utterances)
    if not corpora.several:
        return together
    each = [_facts(corpus.reader, corpora.of(corpus)) for corpus in corpora.corpora]
    return {**together, "corpora": each}


def _facts(source: Corpora | Facts, utterances: Sequence[Utterance]) -> dict[str, Any]:
    return {
        "name": source.name,
        "description": source.description,
        "speakers": len({item.speaker for item in utterances}),
        "utterances": len(utterances),
        "licence": source.licence,
        "citation": source.citation,
    }


def _training(corpora: Corpora, trainer: Trainer) -> dict[str, Any]:
    packages = ("torch", "librosa", "soundfile", "soxr", "numpy", "scikit-learn", "onnx")
    settings = trainer.settings_of_the_fit
    options = f"--network {trainer.name}"
    if corpora.keys != DataSettings.corpus:
        options += f" --corpus {corpora.option}"
    if settings.get("variants") == 0:
        options += " --variants 0"
    if "functionals_heads" in settings:
        options += f" --functionals-heads {settings['functionals_heads']}"
    return {
        "command": f"python -m training fit {options} && python -m training export {options}",
        "settings": settings,
        "augmentation": {"speed": SPEED},
        "versions": {
            "python": platform.python_version(),
            **{package: version(package) for package in packages},
        },
    }
