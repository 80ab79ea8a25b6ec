"""The results of both protocols on the console."""

from collections.abc import Iterator

from training.corpora.union import Corpora
from training.evaluation import CONFIDENT, Evaluation
from training.protocols.listeners import LISTENERS
from training.protocols.results import Forms, Results, usual
from training.report.text import (
    Row,
    aligned,
    confusion_rows,
    control_rows,
    emotion_rows,
    evaluation_text,
    robustness_rows,
)

MEAN = "mean"


def results_text(results: Results, corpora: Corpora) -> str:
    """Format the results of one network: of one corpus, or by both protocols."""
    if not results.several:
        return evaluation_text(results.evaluation)
    evaluation = results.evaluation
    protocols = (
        (
            "corpora that it was not trained on: each is measured by a fit to all others",
            results.other_corpora,
        ),
        (
            f"new speakers of known corpora: {len(evaluation.folds)} folds by speaker",
            results.new_speakers,
        ),
    )
    lines = ["", f"{evaluation.network}, {corpora.option}, seeds: {len(evaluation.seeds)}"]
    for title, forms in protocols:
        lines += ["", title, aligned(_rows(forms, corpora))]
    return "\n".join([*lines, *_details(results)])


def _rows(forms: Forms, corpora: Corpora) -> list[Row]:
    """Unweighted average recall by form, and what the confidence is worth in the first of them."""
    head = (
        *("", "clips", "emotions", "guessing", "listeners", *(f"{form}" for form in forms), "+-"),
        *("calibration error", f"says {CONFIDENT:.0%}", "is right then"),
    )
    names = {corpus.reader.key: corpus.reader.name for corpus in corpora.corpora}
    rows = [
        _row(key, {form: found.of(key) for form, found in forms.items()}, LISTENERS.get(name))
        for key, name in names.items()
    ]
    return [head, *rows, _row(MEAN, forms, None)]


def _row(name: str, forms: Forms, listeners: float | None) -> Row:
    evaluation = usual(forms)
    confident = evaluation.confident()
    return (
        *(name, str(len(evaluation.targets)), _emotions(name, evaluation)),
        *(f"{evaluation.chance():.3f}", _optional(listeners)),
        *(f"{found.uar().mean:.3f}" for found in forms.values()),
        *(f"{evaluation.uar().deviation:.3f}", f"{evaluation.ece().mean:.3f}"),
        *(f"{confident.share:.1%}", _optional(confident.precision)),
    )


def _emotions(name: str, evaluation: Evaluation) -> str:
    return "" if name == MEAN else str(len(set(evaluation.targets.tolist())))


def _optional(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _details(results: Results) -> Iterator[str]:
    evaluation = results.evaluation
    yield ""
    yield "  temperatures, at the distance d from the training distribution:"
    for form, found in results.temperatures.items():
        yield f"    {form}: {found.at_one:.2f} d^{found.exponent:.2f}"
    yield from control_rows(evaluation)
    yield "\n  all of the following is on new speakers, from MFCCs alone\n"
    yield from emotion_rows(evaluation.emotions())
    yield ""
    yield from confusion_rows(evaluation)
    yield ""
    yield from robustness_rows(evaluation)
