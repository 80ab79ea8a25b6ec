"""The tables of a comparison, as rows of text."""

from collections.abc import Iterator
from typing import Literal, get_args

from training.evaluation import Score
from training.report.comparison import METRICS, Comparison
from training.report.text import Row
from training.systems.base.system import RANDOM, SPEAKER_SEPARATED

EmotionMetric = Literal["f1", "precision", "recall"]
EMOTION_METRICS: tuple[EmotionMetric, ...] = get_args(EmotionMetric)
HEADS = {"f1": "F1", "uar": "UAR"}
NOTE = (
    "Mean ± standard deviation over the folds, in per cent. F1, precision and recall are weighted "
    "by the number of clips, so that recall equals accuracy; UAR, the unweighted average recall, "
    "weights all emotions equally. The parameters of trees are their nodes. The training time is "
    "that of one fit, the latency that of one prediction, each on one thread. "
    "In the random split the test speakers also occur in training, so its results do not "
    "generalise to unseen speakers."
)


def _head(metric: str) -> str:
    return HEADS.get(metric, metric)


def systems(comparison: Comparison) -> list[Row]:
    """A head, and one row for each system and protocol."""
    head = ("system", "protocol", *map(_head, METRICS))
    rows = [(*head, "parameters", "training s", "latency ms")]
    for result in comparison.results:
        costs: Row = (
            f"{result.parameters:,}",
            f"{result.training_seconds:.1f}",
            f"{result.latency_milliseconds:.3f}",
        )
        for protocol, found in result.protocols.items():
            scores = [_percent(found.metrics[name]) for name in METRICS]
            rows.append((result.system, protocol, *scores, *costs))
            costs = ("", "", "")  # only in the first row of a system
    return rows


def _percent(score: Score) -> str:
    space = "\N{NO-BREAK SPACE}"
    return f"{100 * score.mean:.1f}{space}±{space}{100 * score.deviation:.1f}"


def gaps(comparison: Comparison) -> list[Row]:
    """A head, and one row for each system: UAR under both protocols, best first."""
    rows: list[tuple[float, Row]] = []
    for result in comparison.results:
        uars = {name: found.metrics["uar"].mean for name, found in result.protocols.items()}
        if uars.keys() >= {SPEAKER_SEPARATED, RANDOM}:
            separated, random = uars[SPEAKER_SEPARATED], uars[RANDOM]
            cells = (f"{100 * value:.1f}" for value in (separated, random, random - separated))
            rows.append((-separated, (result.system, *cells, result.claim)))
    head = ("system", "UAR, unseen speakers", "UAR, random split", "difference", "published")
    return [head, *(row for _, row in sorted(rows))]


def emotions(comparison: Comparison, metric: EmotionMetric = "f1") -> list[Row]:
    """A head, and one row for each system: F1, precision or recall of each emotion.

    On unseen speakers, all folds together.
    """
    rows = [
        (
            result.system,
            *(f"{100 * getattr(score, metric):.1f}" for score in found.emotions.values()),
        )
        for result, found in comparison.on_unseen_speakers()
    ]
    return [(f"{_head(metric)} (%)", *comparison.labels), *rows]


def speakers(comparison: Comparison) -> list[Row]:
    """A head, and one row for each system: UAR in each fold of unseen speakers."""
    rows = [
        (result.system, *(f"{100 * fold['uar']:.1f}" for fold in found.folds))
        for result, found in comparison.on_unseen_speakers()
    ]
    return [("UAR (%) by speaker", *map(", ".join, comparison.folds)), *rows]


def choices(comparison: Comparison) -> list[Row]:
    """A head, and one row for each fold of a recipe that selects among models."""
    rows = [
        (result.system, ", ".join(fold), chosen, f"{100 * scores['uar']:.1f}")
        for result, found in comparison.on_unseen_speakers()
        if found.chosen
        for fold, chosen, scores in zip(comparison.folds, found.chosen, found.folds, strict=True)
    ]
    return [("recipe", "held-out speaker", "selected model", "UAR (%)"), *rows]


def confusions(comparison: Comparison) -> Iterator[tuple[str, list[Row]]]:
    """Each system's name, and its confusion matrix on unseen speakers."""
    for result, found in comparison.on_unseen_speakers():
        rows = [
            (label, *map(str, row))
            for label, row in zip(comparison.labels, found.confusion, strict=True)
        ]
        yield result.system, [("true \\ predicted", *comparison.labels), *rows]
