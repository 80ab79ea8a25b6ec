"""The figures of both protocols, as a network file holds them."""

from collections.abc import Mapping
from typing import Any

from training.evaluation import Evaluation
from training.protocols.listeners import LISTENERS
from training.protocols.results import MFCCS_ALONE, Forms, Results, usual, with_baseline


def protocol_figures(results: Results, names: Mapping[str, str]) -> dict[str, Any]:
    """Of new speakers of known corpora, and of other corpora; none where not measured.

    `uar` and all figures without a prefix are of requests with prosody where the network takes
    it, and without a baseline.

    Args:
        results: of one network.
        names: of the corpora, by key.
    """
    other = results.other_corpora
    return {
        "newSpeakers": _figures(results.new_speakers, names),
        "otherCorpora": _figures(other, names) if other else None,
    }


def _figures(forms: Forms, names: Mapping[str, str]) -> dict[str, Any]:
    evaluation = usual(forms)
    confident, interval = evaluation.confident(), evaluation.interval()
    return {
        **_recalls(forms, evaluation),
        "deviation": _rounded(evaluation.uar().deviation),
        "uarInterval": [_rounded(interval.low), _rounded(interval.high)],
        "calibrationError": _rounded(evaluation.ece().mean),
        "confidentShare": _rounded(confident.share),
        "confidentPrecision": _rounded(confident.precision),
        "corpora": [_corpus(forms, key, name) for key, name in names.items()],
    }


def _corpus(all_corpora: Forms, key: str, name: str) -> dict[str, Any]:
    forms = {form: evaluation.of(key) for form, evaluation in all_corpora.items()}
    evaluation = usual(forms)
    return {
        "name": name,
        **_recalls(forms, evaluation),
        "calibrationError": _rounded(evaluation.ece().mean),
        "speakers": len(set(evaluation.speakers.tolist())),
        "utterances": len(evaluation.targets),
        "listeners": LISTENERS.get(name),
    }


def _recalls(forms: Forms, evaluation: Evaluation) -> dict[str, float | None]:
    baseline = with_baseline(forms)
    return {
        "uar": _rounded(evaluation.uar().mean),
        "chance": _rounded(evaluation.chance()),
        "mfccsUar": _rounded(forms[MFCCS_ALONE].uar().mean),
        "baselineUar": _rounded(baseline.uar().mean) if baseline else None,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
