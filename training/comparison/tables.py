"""The tables of a comparison, as rows of text."""

from collections.abc import Iterator, Sequence
from typing import Literal, get_args

from training.comparison.results import Comparison, ProtocolResult, Result
from training.comparison.scores import FIGURES
from training.evaluation import Score
from training.systems.base.system import RANDOM, SPEAKER_SEPARATED

Row = tuple[str, ...]
OfEmotion = Literal["f1", "precision", "recall"]
OF_EMOTION: tuple[OfEmotion, ...] = get_args(OfEmotion)
HEADS = {"f1": "F1", "precision": "precision", "recall": "recall", "uar": "UAR"}
NOTE = (
    "Mean ± standard deviation over the folds, in per cent. F1, precision and recall are weighted "
    "by clips, so that recall is accuracy; UAR counts every emotion alike. Parameters of trees are "
    "their nodes; seconds are of one fit, latency of one clip, each on one thread. "
    "The random split knows every speaker from training: its figures say nothing about new voices."
)


def systems(comparison: Comparison) -> list[Row]:
    """A head, and one row for each system and protocol, the two protocols side by side."""
    head = ("system", "protocol", *(HEADS.get(name, name) for name in FIGURES))
    rows = [(*head, "parameters", "training s", "latency ms")]
    for result in comparison.results:
        for index, (protocol, found) in enumerate(result.protocols.items()):
            figures = [_percent(found.figures[name]) for name in FIGURES]
            costs = [f"{result.parameters:,}", f"{result.training_seconds:.1f}", _latency(result)]
            first = [result.system, protocol, *figures]
            rows.append((*first, *(costs if index == 0 else ("", "", ""))))
    return rows


def _latency(result: Result) -> str:
    return f"{result.latency_milliseconds:.3f}"


def _percent(score: Score) -> str:
    space = "\N{NO-BREAK SPACE}"
    return f"{100 * score.mean:.1f}{space}±{space}{100 * score.deviation:.1f}"


def gaps(comparison: Comparison) -> list[Row]:
    """A head, and one row for each system: its recall on both protocols, best first."""
    rows: list[tuple[float, Row]] = []
    for result in comparison.results:
        uars = {name: found.figures["uar"].mean for name, found in result.protocols.items()}
        if uars.keys() >= {SPEAKER_SEPARATED, RANDOM}:
            separated, random = uars[SPEAKER_SEPARATED], uars[RANDOM]
            cells = (f"{100 * value:.1f}" for value in (separated, random, random - separated))
            rows.append((-separated, (result.system, *cells, result.claim)))
    head = ("system", "UAR, new speakers", "UAR, random split", "gap", "published with it")
    return [head, *(row for _, row in sorted(rows))]


def emotions(comparison: Comparison, figure: OfEmotion = "f1") -> list[Row]:
    """A head, and one row for each system: f1, precision or recall of each emotion.

    Of new speakers, all folds together.
    """
    rows = [
        (
            result.system,
            *(f"{100 * getattr(score, figure):.1f}" for score in found.emotions.values()),
        )
        for result, found in _separated(comparison)
    ]
    return [(f"{HEADS[figure]} (%)", *comparison.labels), *rows]


def _separated(comparison: Comparison) -> Iterator[tuple[Result, ProtocolResult]]:
    for result in comparison.results:
        if SPEAKER_SEPARATED in result.protocols:
            yield result, result.protocols[SPEAKER_SEPARATED]


def speakers(comparison: Comparison) -> list[Row]:
    """A head, and one row for each system: its recall in each fold of new speakers."""
    rows = [
        (result.system, *(f"{100 * fold['uar']:.1f}" for fold in found.folds))
        for result, found in _separated(comparison)
    ]
    return [("UAR (%) of speaker", *map(", ".join, comparison.folds)), *rows]


def choices(comparison: Comparison) -> list[Row]:
    """A head, and one row for each fold of a recipe that chose among models, for new speakers."""
    rows = [
        (result.system, ", ".join(fold), chosen, f"{100 * figures['uar']:.1f}")
        for result, found in _separated(comparison)
        if found.chosen
        for fold, chosen, figures in zip(comparison.folds, found.chosen, found.folds, strict=True)
    ]
    return [("recipe", "speaker left out", "model chosen", "UAR (%)"), *rows]


def confusions(comparison: Comparison) -> Iterator[tuple[str, list[Row]]]:
    """The confusion matrix of each system on new speakers, by its name."""
    for result, found in _separated(comparison):
        rows = [
            (label, *map(str, row))
            for label, row in zip(comparison.labels, found.confusion, strict=True)
        ]
        yield result.system, [("true \\ predicted", *comparison.labels), *rows]


def aligned(rows: Sequence[Row]) -> str:
    """Columns as wide as their widest cell; figures to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def markdown(rows: Sequence[Row]) -> str:
    """The same as a table of Markdown."""
    lines = [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows]
    return "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:]])


def best_first(comparison: Comparison) -> list[str]:
    """The systems' names by their recall of new speakers."""
    recalls = {r.system: found.figures["uar"].mean for r, found in _separated(comparison)}
    return sorted(recalls, key=lambda name: -recalls[name])
