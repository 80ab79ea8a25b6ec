"""The files of a comparison: text, HTML, figures, CSV and JSON."""

import csv
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from training.arrays import Float32
from training.corpora.reader import Utterance
from training.corpora.union import Corpora
from training.evaluation import Measurement
from training.report import tables
from training.report.attribution_figures import draw_filters, first_filters
from training.report.comparison import METRICS, Comparison, ProtocolResult, SystemResult
from training.report.corpus_figures import draw_corpus
from training.report.evaluation_figures import draw_confusion
from training.report.figure import ROW_HEIGHT, SERIES, Figure, finish, name_rows, new_axes, styled
from training.report.page import Section, render_page
from training.report.text import Row, aligned
from training.report.text import markdown as markdown_table
from training.storage.atomic_write import atomic_write
from training.systems.base.system import RANDOM, SPEAKER_SEPARATED

Figures = Mapping[str, Figure]  # by file name, without suffix


def draw(comparison: Comparison, corpora: Corpora, models: Path) -> Figures:
    """Every figure of a comparison whose exported models are in the folder `models`."""
    figures = {"gap": draw_gap(comparison), **draw_corpus(corpora)}
    for result, found in comparison.on_unseen_speakers():
        counts = np.array(found.confusion)
        figure = draw_confusion(result.short_name, counts, comparison.labels)
        figures[f"confusion-{_file_name(result.system)}"] = figure
    for result in comparison.results:
        filters = first_filters(models / f"{result.system}.onnx")
        if filters is not None:
            name = f"filters-{_file_name(result.system)}"
            figures[name] = draw_filters(result.short_name, filters)
    return figures


def _file_name(system: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", system)


@styled
def draw_gap(comparison: Comparison) -> Figure:
    """The recall of each system under both protocols, best first."""
    uars = {
        result.system: {name: 100 * p.metrics["uar"].mean for name, p in result.protocols.items()}
        for result, _ in comparison.on_unseen_speakers()
    }
    names = sorted(uars, key=lambda name: -uars[name][SPEAKER_SEPARATED])
    canvas, axes = new_axes(90 + ROW_HEIGHT * len(names))
    for row, uar in enumerate(uars[name] for name in names):
        axes.plot(list(uar.values()), [row] * len(uar), color=SERIES[0].light, lw=1.5)
        axes.plot(uar[SPEAKER_SEPARATED], row, "o", color=SERIES[0].light)
        if RANDOM in uar:
            axes.plot(uar[RANDOM], row, "D", color=SERIES[1].light)
    name_rows(axes, names, lines=True)
    axes.set(xlim=(0, 100), xlabel="UAR (%): circle unseen speakers, diamond random split")
    title = f"{comparison.corpus.name}: unseen speakers, random split"
    values = (
        f"{name} " + ", ".join(f"{protocol} {uar:.1f} %" for protocol, uar in uars[name].items())
        for name in names
    )
    return finish(canvas, title, f"{title}: UAR. {'; '.join(values)}.")


def text(comparison: Comparison) -> str:
    """The tables as plain text."""
    parts = [comparison.heading, tables.NOTE, aligned(tables.systems(comparison))]
    parts += [aligned(tables.gaps(comparison)), aligned(tables.emotions(comparison))]
    for name, rows in tables.confusions(comparison):
        parts.append(f"{name}, clips of unseen speakers\n{aligned(rows)}")
    return "\n\n".join(parts)


def markdown(comparison: Comparison) -> str:
    """The tables as a Markdown document."""
    parts = [f"# Comparison on {comparison.corpus.name}", _provenance(comparison)]
    parts += ["## Systems", tables.NOTE, markdown_table(tables.systems(comparison))]
    parts += [
        "## Unseen speakers and random split",
        markdown_table(tables.gaps(comparison)),
    ]
    parts += ["## Emotions, unseen speakers", markdown_table(tables.emotions(comparison))]
    parts += ["## Confusion, unseen speakers", "Number of clips, all folds together."]
    for name, rows in tables.confusions(comparison):
        parts += [f"### {name}", markdown_table(rows)]
    return "\n\n".join(parts) + "\n"


def _provenance(comparison: Comparison) -> str:
    corpus = comparison.corpus
    return (
        f"Made by `python -m training compare --corpus {corpus.option}`. {comparison.heading}. "
        f"{corpus.description[0].upper()}{corpus.description[1:]}. {corpus.citation} "
        f"Licence of the recordings: {corpus.licence}."
    )


def page(comparison: Comparison, figures: Figures) -> str:
    """The tables and figures as HTML."""

    def starting_with(prefix: str) -> list[Figure]:
        return [figure for name, figure in figures.items() if name.startswith(prefix)]

    chapters = [
        Section("Systems", tables.NOTE, tables.systems(comparison)),
        Section(
            "Unseen speakers and random split",
            "UAR under both protocols.",
            tables.gaps(comparison),
            starting_with("gap"),
        ),
        Section("Emotions", "F1 on unseen speakers.", tables.emotions(comparison)),
        Section(
            "Confusion", "Unseen speakers, all folds together.", (), starting_with("confusion")
        ),
        Section("Filters", "The first convolution of each.", (), starting_with("filters")),
        Section("Corpus", _provenance(comparison), (), starting_with("corpus")),
    ]
    title = f"Speech emotion systems on {comparison.corpus.name}"
    command = f"python -m training compare --corpus {comparison.corpus.option}"
    return render_page(title, command, comparison.heading, chapters)


def write(comparison: Comparison, figures: Figures, directory: Path) -> None:
    """Write all files of the comparison but the predictions."""
    _write(directory / "comparison.md", markdown(comparison))
    _write(directory / "comparison.html", page(comparison, figures))
    comparison.write(directory)
    for name, rows in (("systems", _systems), ("emotions", _emotions), ("confusion", _confusions)):
        _write_csv(directory / f"{name}.csv", rows(comparison))
    for name, figure in figures.items():
        _write(directory / "plots" / f"{name}.svg", figure.standalone())


def write_predictions(
    corpora: Corpora, labels: Sequence[str], measurements: Iterable[Measurement], directory: Path
) -> None:
    """Write predictions.csv: the out-of-fold probabilities of every system and utterance."""
    head = ("system", "protocol", "utterance", "speaker", "emotion", *labels)
    rows = (
        (measurement.system, measurement.protocol, *_prediction(item, probabilities))
        for measurement in measurements
        for item, probabilities in zip(corpora.utterances, measurement.probabilities, strict=True)
    )
    _write_csv(directory / "predictions.csv", itertools.chain([head], rows))


def _prediction(item: Utterance, probabilities: Float32) -> Row:
    cells = (f"{probability:.4f}" for probability in probabilities.tolist())
    return (item.path.stem, item.speaker, item.emotion, *cells)


def _write(path: Path, content: str) -> None:
    with atomic_write(path) as part:
        part.write_text(content, encoding="utf-8")


def _write_csv(path: Path, rows: Iterable[Row]) -> None:
    with atomic_write(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def _measured(comparison: Comparison) -> Iterator[tuple[SystemResult, str, ProtocolResult]]:
    for result in comparison.results:
        for protocol, found in result.protocols.items():
            yield result, protocol, found


def _systems(comparison: Comparison) -> Iterator[Row]:
    head = [f"{name} {kind}" for name in METRICS for kind in ("mean", "deviation")]
    yield ("system", "protocol", *head, "parameters", "training seconds", "latency ms")
    for result, protocol, found in _measured(comparison):
        scores = [found.metrics[name] for name in METRICS]
        cells = (f"{value:.4f}" for score in scores for value in (score.mean, score.deviation))
        seconds, milliseconds = result.training_seconds, result.latency_milliseconds
        costs = (f"{result.parameters}", f"{seconds:.3f}", f"{milliseconds:.4f}")
        yield (result.system, protocol, *cells, *costs)


def _emotions(comparison: Comparison) -> Iterator[Row]:
    yield ("system", "protocol", "emotion", "precision", "recall", "f1", "clips")
    for result, protocol, found in _measured(comparison):
        for label, score in found.emotions.items():
            cells = (f"{value:.4f}" for value in (score.precision, score.recall, score.f1))
            yield (result.system, protocol, label, *cells, str(score.utterances))


def _confusions(comparison: Comparison) -> Iterator[Row]:
    yield ("system", "protocol", "true", *comparison.labels)
    for result, protocol, found in _measured(comparison):
        for label, row in zip(comparison.labels, found.confusion, strict=True):
            yield (result.system, protocol, label, *map(str, row))
