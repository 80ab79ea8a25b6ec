"""What the trainer prints."""

from collections.abc import Iterator

from training.features import Extraction
from training.protocol import Metrics, OutOfFold, measure


def extraction_text(extraction: Extraction) -> str:
    """What a feature run did, and every file that it left out with the reason."""
    corpus = extraction.corpus
    total = len(corpus.utterances)
    head = (
        f"features: {total} recordings of {corpus.reader.name} in {corpus.source}: "
        f"{extraction.extracted} extracted, {extraction.cached} already in the cache, "
        f"{len(corpus.unusable)} files left out"
    )
    left_out = [
        f"  left out: {item.path.relative_to(corpus.source)}: {item.reason}"
        for item in corpus.unusable
    ]
    return "\n".join([head, *left_out])


def evaluation_text(network: str, result: OutOfFold, labels: tuple[str, ...]) -> str:
    """The speaker-independent figures of one network."""
    metrics = measure(result, labels)
    folds = ", ".join(f"{uar:.3f}" for uar in metrics.fold_uar)
    return "\n".join(
        [
            "",
            f"{network}, speaker-independent, {len(result.folds)} folds by speaker",
            f"  unweighted average recall  {metrics.uar:.3f}   (folds {folds})",
            f"  accuracy                   {metrics.accuracy:.3f}",
            "",
            *_emotion_rows(metrics),
            "",
            *_confusion_rows(metrics, labels),
        ]
    )


def _emotion_rows(metrics: Metrics) -> Iterator[str]:
    yield f"  {'emotion':<12}{'precision':>10}{'recall':>10}{'F1':>10}{'clips':>8}"
    for label, score in metrics.emotions.items():
        figures = f"{score.precision:>10.3f}{score.recall:>10.3f}{score.f1:>10.3f}"
        yield f"  {label:<12}{figures}{score.utterances:>8}"


def _confusion_rows(metrics: Metrics, labels: tuple[str, ...]) -> Iterator[str]:
    yield "  confusion: a row for each true emotion, a column for each predicted one"
    yield " " * 14 + "".join(f"{label[:7]:>8}" for label in labels)
    for label, row in zip(labels, metrics.confusion, strict=True):
        yield f"  {label:<12}" + "".join(f"{count:>8}" for count in row)
