"""What is measured of a network: by protocol and form of request."""

from collections.abc import Mapping
from dataclasses import dataclass

from training.calibration import Temperature
from training.evaluation import Evaluation

MFCCS_ALONE = "MFCCs alone"  # the form of a request without anything else
PROSODY = "prosody"
BASELINES = ("prosody and baseline", "baseline")  # the most that a client can send comes first

Forms = Mapping[str, Evaluation]  # by form of request, `MFCCS_ALONE` among them


@dataclass(frozen=True)
class Results:
    """The evaluations of one network, and the temperatures that they lead to."""

    new_speakers: Forms  # of corpora that it was trained on
    other_corpora: Forms  # each measured by a fit to all others; empty of one corpus
    temperatures: Mapping[str, Temperature]  # to serve with, by form of request

    @property
    def evaluation(self) -> Evaluation:
        """On new speakers, from MFCCs alone."""
        return self.new_speakers[MFCCS_ALONE]

    @property
    def several(self) -> bool:
        """Whether it was measured on corpora that it was not trained on."""
        return bool(self.other_corpora)


def results_of(evaluation: Evaluation) -> Results:
    """Of a network of one corpus."""
    others = {form: evaluation.given(form) for form in evaluation.forms}
    forms = {MFCCS_ALONE: evaluation, **others}
    temperatures = {form: Temperature(found.temperature()) for form, found in forms.items()}
    return Results(new_speakers=forms, other_corpora={}, temperatures=temperatures)


def usual(forms: Forms) -> Evaluation:
    """Of what clients send who know no baseline: with prosody where the network takes it."""
    return forms.get(PROSODY, forms[MFCCS_ALONE])


def with_baseline(forms: Forms) -> Evaluation | None:
    """With prosody where the network takes it, and the clips of a baseline."""
    return next((forms[form] for form in BASELINES if form in forms), None)
