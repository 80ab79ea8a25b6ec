"""A comparison as files: what people read, and what programs do."""

import csv
import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path

from training.arrays import Float32
from training.comparison import tables
from training.comparison.results import Comparison, MeasuredResult
from training.comparison.scores import FIGURES
from training.comparison.tables import Row
from training.corpora.reader import Corpus, Utterance
from training.report.drawing import Drawing
from training.report.page import render_page
from training.report.sections import Section, Table
from training.storage.atomic_write import atomic_write


def text(comparison: Comparison) -> str:
    """What is printed."""
    parts = [comparison.heading, tables.NOTE, tables.aligned(tables.systems(comparison))]
    parts += [tables.aligned(tables.gaps(comparison)), tables.aligned(tables.emotions(comparison))]
    for name, rows in tables.confusions(comparison):
        parts.append(f"{name}, clips of new speakers\n{tables.aligned(rows)}")
    return "\n\n".join(parts)


def markdown(comparison: Comparison) -> str:
    """The same as a document."""
    parts = [f"# Comparison on {comparison.corpus.name}", _provenance(comparison)]
    parts += ["## Systems", tables.NOTE, tables.markdown(tables.systems(comparison))]
    parts += ["## The gap between the protocols", tables.markdown(tables.gaps(comparison))]
    parts += ["## Each emotion, on new speakers", tables.markdown(tables.emotions(comparison))]
    parts += ["## Confusion, on new speakers", "Clips; all folds together."]
    for name, rows in tables.confusions(comparison):
        parts += [f"### {name}", tables.markdown(rows)]
    return "\n\n".join(parts) + "\n"


def _provenance(comparison: Comparison) -> str:
    corpus = comparison.corpus
    return (
        f"Made by `python -m training compare --corpus {corpus.option}`. {comparison.heading}. "
        f"{corpus.description[0].upper()}{corpus.description[1:]}. {corpus.citation} "
        f"Licence of the recordings: {corpus.licence}."
    )


def page(comparison: Comparison, drawings: dict[str, Drawing]) -> str:
    """The same as HTML, with the plots."""

    def plots(prefix: str) -> list[Drawing]:
        return [drawing for name, drawing in drawings.items() if name.startswith(prefix)]

    chapters = [
        _chapter("Systems", tables.NOTE, tables.systems(comparison)),
        _chapter("The gap", "UAR on both protocols.", tables.gaps(comparison), plots("gap")),
        _chapter("Each emotion", "F1 on new speakers.", tables.emotions(comparison)),
        Section("Confusion", "On new speakers, all folds together.", None, plots("confusion")),
        Section("Filters", "Of each first convolution.", None, plots("filters")),
        Section("Corpus", _provenance(comparison), None, plots("corpus")),
    ]
    title = f"Speech emotion systems on {comparison.corpus.name}"
    command = f"python -m training compare --corpus {comparison.corpus.option}"
    return render_page(title, command, comparison.heading, chapters)


def _chapter(
    title: str, text: str, rows: Sequence[Row], drawings: Sequence[Drawing] = ()
) -> Section:
    return Section(title, text, Table(rows[0], rows[1:]), drawings)


def write(comparison: Comparison, drawings: dict[str, Drawing], directory: Path) -> None:
    """Writes text, HTML, CSV, JSON and the plots, each file as a whole."""
    _write(directory / "comparison.md", markdown(comparison))
    _write(directory / "comparison.html", page(comparison, drawings))
    comparison.write(directory)
    _write_csv(directory / "systems.csv", _system_rows(comparison))
    _write_csv(directory / "emotions.csv", _emotion_rows(comparison))
    _write_csv(directory / "confusion.csv", _confusion_rows(comparison))
    for name, drawing in drawings.items():
        _write(directory / "plots" / f"{name}.svg", drawing.standalone())


def write_predictions(
    corpus: Corpus, labels: Sequence[str], rows: Sequence[MeasuredResult], directory: Path
) -> None:
    """Writes what every system said of every utterance while it was held out."""
    head = ("system", "protocol", "utterance", "speaker", "emotion", *labels)
    answers = (
        (measurement.system, measurement.protocol, *_answer(item, probabilities))
        for row in rows
        for measurement in (scores.measurement for scores in row.scores)
        for item, probabilities in zip(corpus.utterances, measurement.probabilities, strict=True)
    )
    _write_csv(directory / "predictions.csv", itertools.chain([head], answers))


def _answer(item: Utterance, probabilities: Float32) -> Row:
    figures = (f"{probability:.4f}" for probability in probabilities.tolist())
    return (item.path.stem, item.speaker, item.emotion, *figures)


def _write(path: Path, content: str) -> None:
    with atomic_write(path) as part:
        part.write_text(content, encoding="utf-8")


def _write_csv(path: Path, rows: Sequence[Row] | Iterable[Row]) -> None:
    with atomic_write(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def _system_rows(comparison: Comparison) -> Iterable[Row]:
    figures = [f"{name} {kind}" for name in FIGURES for kind in ("mean", "deviation")]
    yield ("system", "protocol", *figures, "parameters", "training seconds", "latency ms")
    for result in comparison.results:
        costs = (
            f"{result.parameters}",
            f"{result.training_seconds:.3f}",
            f"{result.latency_milliseconds:.4f}",
        )
        for protocol, found in result.protocols.items():
            scores = [found.figures[name] for name in FIGURES]
            pairs = [(score.mean, score.deviation) for score in scores]
            cells = (f"{value:.4f}" for pair in pairs for value in pair)
            yield (result.system, protocol, *cells, *costs)


def _emotion_rows(comparison: Comparison) -> Iterable[Row]:
    yield ("system", "protocol", "emotion", "precision", "recall", "f1", "clips")
    for result in comparison.results:
        for protocol, found in result.protocols.items():
            for label, score in found.emotions.items():
                figures = (score.precision, score.recall, score.f1)
                cells = (f"{figure:.4f}" for figure in figures)
                yield (result.system, protocol, label, *cells, str(score.utterances))


def _confusion_rows(comparison: Comparison) -> Iterable[Row]:
    yield ("system", "protocol", "true", *comparison.labels)
    for result in comparison.results:
        for protocol, found in result.protocols.items():
            for label, row in zip(comparison.labels, found.confusion, strict=True):
                yield (result.system, protocol, label, *map(str, row))
