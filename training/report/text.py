"""Results as text: tables, and the console output of `features` and `evaluate`."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from training.corpora.union import Corpora
from training.evaluation import Evaluation, Score
from training.features.extraction import Extraction
from training.metrics import CALIBRATION_BINS, EmotionScore
from training.protocols.few_speakers import worth

Row = tuple[str, ...]
MANY = 10  # files that were left out for one reason


def aligned(rows: Sequence[Row]) -> str:
    """Format rows as plain text: the first column is left-aligned, all others right-aligned."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def markdown(rows: Sequence[Row]) -> str:
    """Format rows as a Markdown table whose first row is the head."""
    lines = [markdown_row(row) for row in rows]
    return "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:]])


def markdown_row(row: Row) -> str:
    """Format one row of a Markdown table."""
    return f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"


def extraction_text(extraction: Extraction) -> str:
    """Summarise a feature extraction: counts, and the reason for every file left out."""
    corpora = extraction.corpora
    total = len(corpora.utterances)
    head = (
        f"features: {total} recordings of {corpora.name} in {corpora.sources}: "
        f"{extraction.extracted} extracted, {extraction.cached} already in the cache, "
        f"{len(corpora.unusable)} files left out"
    )
    left_out = [f"  left out: {reason}" for reason in _left_out(corpora)]
    return "\n".join([head, *left_out])


def _left_out(corpora: Corpora) -> Iterator[str]:
    """The file and the reason; of several corpora, many files with one reason together."""
    for corpus in corpora.corpora:
        unusable = corpora.left_out(corpus)
        counts = Counter(item.reason for item in unusable)
        together = {reason for reason, count in counts.items() if corpora.several and count > MANY}
        for item in unusable:
            if item.reason not in together:
                yield f"{item.path.relative_to(corpus.source)}: {item.reason}"
        for reason in sorted(together):
            yield f"{counts[reason]} files of {corpus.reader.name}: {reason}"


def evaluation_text(evaluation: Evaluation) -> str:
    """Format the speaker-independent results of one network."""
    scores = evaluation.emotions()
    return "\n".join(
        [
            "",
            _head(evaluation),
            *_score_rows(evaluation),
            "",
            *emotion_rows(scores),
            "",
            *confusion_rows(evaluation),
            "",
            *robustness_rows(evaluation),
        ]
    )


def _head(evaluation: Evaluation) -> str:
    folds, seeds = len(evaluation.folds), len(evaluation.seeds)
    few = worth(evaluation.folds)
    return (
        f"{evaluation.network}, speaker-independent, {folds} folds by speaker, seeds: {seeds}"
        + (f"\n  {few}" if few else "")
    )


def _score_rows(evaluation: Evaluation) -> Iterator[str]:
    interval = evaluation.interval()
    yield _row("unweighted average recall", evaluation.uar()) + (
        f"   (95 % over speakers {interval.low:.3f} to {interval.high:.3f})"
    )
    folds = ", ".join(f"{uar:.3f}" for uar in evaluation.fold_uar())
    yield f"    by fold                    {folds}"
    yield _row("accuracy", evaluation.accuracy())
    yield _row("macro F1", evaluation.macro_f1())
    yield _row("expected calibration error", evaluation.ece()) + f"   ({CALIBRATION_BINS} bins)"
    yield from control_rows(evaluation)


def _row(name: str, score: Score) -> str:
    return f"  {name:<28} {score.mean:.3f} +- {score.deviation:.3f}"


def control_rows(evaluation: Evaluation) -> Iterator[str]:
    """The recall on permuted labels and on a random split, where it was measured."""
    if evaluation.permuted_uar is not None:
        chance = evaluation.chance()
        yield f"  {'on permuted labels':<28} {evaluation.permuted_uar:.3f}   (chance {chance:.3f})"
    if evaluation.random_split_uar is not None:
        yield (
            f"  {'on a random split':<28} {evaluation.random_split_uar:.3f}   "
            "(inflated: every speaker is known from training)"
        )


def emotion_rows(scores: Mapping[str, EmotionScore]) -> Iterator[str]:
    """A head, and a row for each emotion."""
    yield f"  {'emotion':<12}{'precision':>10}{'recall':>10}{'F1':>10}{'clips':>8}"
    for label, score in scores.items():
        values = f"{score.precision:>10.3f}{score.recall:>10.3f}{score.f1:>10.3f}"
        yield f"  {label:<12}{values}{score.utterances:>8}"


def confusion_rows(evaluation: Evaluation) -> Iterator[str]:
    """The confusion matrix with its heads."""
    labels = evaluation.labels
    yield "  confusion: a row for each true emotion, a column for each predicted one"
    yield " " * 14 + "".join(f"{label[:7]:>8}" for label in labels)
    for label, row in zip(labels, evaluation.confusion(), strict=True):
        yield f"  {label:<12}" + "".join(f"{count:>8.1f}" for count in row)


def robustness_rows(evaluation: Evaluation) -> Iterator[str]:
    """The recall under each condition, and what is lost of that of the same clips as recorded."""
    yield f"  {'condition':<20}{'recall':>8}{'lost':>8}"
    for condition in evaluation.robustness:
        uar, clean = evaluation.uar(condition).mean, evaluation.as_recorded(condition).mean
        yield f"  {condition:<20}{uar:>8.3f}{clean - uar:>8.3f}"
