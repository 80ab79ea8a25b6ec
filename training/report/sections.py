"""The chapters of the report."""

from collections.abc import Sequence
from dataclasses import dataclass

from training.evaluation import Evaluation, Score
from training.report.attributions import Attribution, shares
from training.report.comparators import PUBLISHED
from training.report.corpus import CorpusSummary, draw_emotions, draw_lengths
from training.report.drawing import Drawing
from training.report.embedding import draw_map
from training.report.results import (
    Recall,
    draw_confusion,
    draw_history,
    draw_recalls,
    draw_reliability,
    draw_robustness,
    draw_speakers,
)
from training.report.saliency_maps import (
    draw_coefficients,
    draw_emotion_maps,
    draw_example,
    draw_times,
)

Row = tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Words and figures in rows; the first cell of each row is its name."""

    head: Row
    rows: Sequence[Row]


@dataclass(frozen=True)
class Section:
    """One chapter."""

    title: str
    text: str
    table: Table | None = None
    drawings: Sequence[Drawing] = ()


def results(summary: CorpusSummary, evaluations: Sequence[Evaluation]) -> Section:
    """How good the networks are, against each other and against others."""
    first = evaluations[0]
    published = PUBLISHED.get(summary.name, ())
    recalls = [Recall.of(evaluation) for evaluation in evaluations]
    others = "; ".join(f"{other.name}, {other.source}" for other in published)
    return Section(
        "Recall of unseen speakers",
        f"Every figure is of speakers whom the network had not heard: {len(first.folds)} folds by "
        f"speaker, {len(first.seeds)} seeds. Recall is unweighted over the emotions. The bars are "
        "95 % intervals, bootstrapped over speakers; what stands behind ± is the standard "
        f"deviation over seeds." + (f" Beside them: {others}." if others else ""),
        Table(
            ("network", "input", "recall", "95 % interval", "accuracy", "macro F1"),
            [_result(evaluation) for evaluation in evaluations],
        ),
        [draw_recalls(recalls, 1 / len(first.labels), published)],
    )


def _result(evaluation: Evaluation) -> Row:
    interval = evaluation.interval()
    return (
        evaluation.network,
        evaluation.input,
        _percent(evaluation.uar()),
        f"{interval.low:.1%} to {interval.high:.1%}",
        _percent(evaluation.accuracy()),
        _percent(evaluation.macro_f1()),
    )


def _percent(score: Score) -> str:
    return f"{score.mean:.1%} ± {100 * score.deviation:.1f}"


def checks(evaluations: Sequence[Evaluation]) -> Section:
    """What would tell of a leak."""
    return Section(
        "Two checks on these figures",
        "Trained on permuted labels a network must fall to chance, or something of the test "
        "speakers has leaked into training. A random split of the clips is inflated: it lets a "
        "network recognise the speaker, which helps nobody whose voice is new.",
        Table(
            ("network", "recall", "permuted labels", "chance", "random split (inflated)"),
            [
                (
                    evaluation.network,
                    f"{evaluation.uar().mean:.1%}",
                    _measured(evaluation.permuted_uar),
                    f"{1 / len(evaluation.labels):.1%}",
                    _measured(evaluation.random_split_uar),
                )
                for evaluation in evaluations
            ],
        ),
    )


def _measured(uar: float | None) -> str:
    return "not measured" if uar is None else f"{uar:.1%}"


def corpus(summary: CorpusSummary) -> Section:
    """What the networks were trained and measured on."""
    return Section(
        "The recordings",
        "Acted speech: how actors portray an emotion when asked to, not how people sound who "
        "feel it.",
        Table(("fact", "value"), list(summary.facts().items())),
        [draw_emotions(summary), draw_lengths(summary)],
    )


def confusions(evaluations: Sequence[Evaluation]) -> Section:
    """Which emotions are taken for which."""
    return Section(
        "Which emotions are taken for which",
        "The mean of the seeds. On the diagonal stands the recall of each emotion.",
        drawings=[draw_confusion(evaluation) for evaluation in evaluations],
    )


def speakers(summary: CorpusSummary, evaluations: Sequence[Evaluation]) -> Section:
    """How much a network depends on the voice."""
    names = [f"{speaker} ({sex[0]})" for speaker, sex in summary.speakers.items()]
    return Section(
        "Speaker by speaker",
        "A mean over speakers hides how much depends on the voice; (f) is female, (m) male.",
        drawings=[draw_speakers(evaluations, names)],
    )


def calibration(evaluations: Sequence[Evaluation]) -> Section:
    """Whether a network is as often right as it says."""
    return Section(
        "Is it right as often as it says?",
        "Out-of-fold answers of all seeds, each after a temperature that was fitted within its "
        "fold's training part. Bars that end at the dashed line are right as often as they say; "
        "below them stands the share of answers of each confidence. The expected calibration "
        "error is the mean distance from the line, weighted by these shares.",
        drawings=[draw_reliability(evaluation) for evaluation in evaluations],
    )


def robustness(evaluations: Sequence[Evaluation]) -> Section:
    """What noise, gain and rooms cost."""
    return Section(
        "Worse sound",
        "The same networks on the same clips, made worse before the features are taken. In the "
        "table: recall, and in brackets the change in points. Noise is measured against the level "
        "of the speech.",
        Table(
            ("condition", *(evaluation.network for evaluation in evaluations)),
            [
                ("as recorded", *(f"{evaluation.uar().mean:.1%}" for evaluation in evaluations)),
                *(
                    (condition, *(_changed(evaluation, condition) for evaluation in evaluations))
                    for condition in evaluations[0].robustness
                ),
            ],
        ),
        [draw_robustness(evaluations)],
    )


def _changed(evaluation: Evaluation, condition: str) -> str:
    recall = evaluation.uar(condition).mean
    return f"{recall:.1%} ({100 * (recall - evaluation.uar().mean):+.1f})"


def learning(evaluations: Sequence[Evaluation]) -> Section:
    """How the fits went."""
    return Section(
        "Learning curves",
        "The line is the mean of the fits of all folds and seeds, the band their range.",
        drawings=[
            draw_history(evaluation, curve)
            for evaluation in evaluations
            for curve in evaluation.history
        ],
    )


def maps(evaluations: Sequence[Evaluation]) -> Section:
    """Where the emotions lie among the answers."""
    return Section(
        "Maps of the answers",
        "t-SNE of the out-of-fold log-probabilities of the first seed: utterances that a network "
        "answers alike lie close together. Each small map shows one true emotion in colour among "
        "all others. Distances have no unit.",
        drawings=[draw_map(evaluation) for evaluation in evaluations],
    )


def listening(evaluation: Evaluation, found: Sequence[Attribution]) -> Section:
    """What one network listens to."""
    network, labels = evaluation.network, evaluation.labels
    weights = shares(found, len(labels))
    drawings = [draw_coefficients(network, weights, labels)]
    if evaluation.input == "frames":
        example = max(found, key=lambda attribution: attribution.weights.sum())
        drawings += [
            draw_times(network, weights, labels),
            draw_emotion_maps(network, weights, labels),
            draw_example(network, example, labels[example.target]),
        ]
    return Section(
        f"What {network} listens to",
        "Integrated gradients of the log-probability of the true emotion, on the way from the "
        f"mean {'frame' if evaluation.input == 'frames' else 'vector'} to each of {len(found)} "
        "clips: one of each speaker for each emotion. The network is the one that is served, "
        "trained on all speakers. Signs are left out, every clip counts alike, and clips are "
        "aligned from beginning to end; 1 is what each place would have if all had the same.",
        drawings=drawings,
    )
