"""`python -m training compare` and `predict`: systems side by side, on one corpus."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from training.arrays import Float32
from training.commands import Run, extract
from training.comparison import drawings, writing
from training.comparison.results import (
    Comparison,
    CorpusFacts,
    MeasuredResult,
    ProtocolResult,
    Result,
)
from training.comparison.scores import Scores
from training.corpora.reader import Corpus, CorpusError, Reader, read_corpus, reader_named
from training.cross_validation import Experiment, Part, comparison_parts
from training.evaluation import measure
from training.examples import Examples
from training.export.system_file import Exported, Exporter
from training.features.descriptors import compute
from training.features.mfcc import Extraction, UnusableAudioError, load_audio
from training.fit import FitError
from training.folds import comparison_folds
from training.settings import ComparisonSettings
from training.storage.scheduling import Scheduler
from training.systems.base.system import Split, System, UnusableSystemError
from training.systems.base.trainer import Trainer
from training.systems.registry import choose, find_systems


@dataclass(frozen=True)
class ComparisonRun:
    """What the commands are given."""

    run: Run
    settings: ComparisonSettings
    recipes: str  # names of systems, separated by commas, or all
    corpus: str | None = None  # named by an option
    clip: str = ""  # a file, or the name of an utterance


def compare(given: ComparisonRun) -> None:
    """Fits and measures systems on the same splits, exports them, and writes the tables.

    Raises:
        FitError: a system diverged; all others were measured, and the tables name it.
    """
    systems = chosen_systems(given)
    trainers = {name: _trainers(given.run, system) for name, system in systems.items()}
    variants = max(trainer.variants for models in trainers.values() for trainer in models)
    extraction, served = extract(given.run, variants)
    served = served.with_occurring_labels()
    sex, count = extraction.corpus.reader.sex, given.settings.folds
    folds = comparison_folds(served.speakers.tolist(), sex, count)
    prepared = {
        name: prepare(models, extraction, served, given.run.scheduler)
        for name, models in trainers.items()
    }
    rows, failed = _comparer(given, comparison_parts(served, folds)).rows(systems, prepared)
    if rows:
        facts, results = CorpusFacts.of(extraction.corpus), tuple(row.result for row in rows)
        comparison = Comparison(facts, served.labels, folds, results, failed)
        _show(comparison, rows, extraction.corpus, given.settings)
    if failed:
        raise FitError("; ".join(f"{name}: {reason}" for name, reason in failed.items()))


def chosen_systems(given: ComparisonRun) -> dict[str, System]:
    """The systems that were asked for, with the hyperparameters that were set.

    Those of [training] apply to the networks of `fit` alone; the comparison's epochs, to all.

    Raises:
        UnusableSystemError: one is unknown, or its file cannot be used.
        HyperparameterError: a hyperparameter is set that a network does not have.
    """
    settings, found = given.settings, {}
    for name, system in choose(find_systems(settings.recipes_path), given.recipes).items():
        values = {**(system.compared_with or {})}
        if system.deployable:
            values |= given.run.training.hyperparameters
        changed = system.with_hyperparameters(values)
        found[name] = changed.with_epochs(settings.epochs) if settings.epochs else changed
    return found


def _trainers(run: Run, system: System) -> list[Trainer]:
    return [Trainer(system, model, run.caches, system.seed) for model in system.models]


Prepared = list[tuple[Trainer, Examples]]  # the models of a system, and what they are fitted to


def prepare(
    trainers: Sequence[Trainer], extraction: Extraction, served: Examples, scheduler: Scheduler
) -> Prepared:
    """Extracts the features of a system; its models share them.

    Raises:
        UnusableSystemError: a model cannot take them.
    """
    examples = trainers[0].prepare(extraction, served, scheduler)
    for trainer in trainers:
        try:
            trainer.model.check(examples)
        except UnusableSystemError as error:
            raise UnusableSystemError(f"{trainer.name}: {error}") from error
    return [(trainer, examples) for trainer in trainers]


def _comparer(given: ComparisonRun, parts: Mapping[Split, tuple[Part, ...]]) -> "Comparer":
    data, scheduler = given.run.data, given.run.scheduler
    exporter = Exporter(given.settings.models, data.corpus, scheduler)
    return Comparer(parts, data.cache_path / "outcomes", exporter, scheduler)


@dataclass(frozen=True)
class Comparer:
    """What every system is measured on, and where its outcomes and files are kept."""

    parts: Mapping[Split, tuple[Part, ...]]
    directory: Path  # of the outcomes
    exporter: Exporter
    scheduler: Scheduler

    def rows(
        self, systems: Mapping[str, System], prepared: Mapping[str, Prepared]
    ) -> tuple[list[MeasuredResult], dict[str, str]]:
        """The rows of all systems; of those whose loss is no longer finite, the reason by name."""
        rows, failed = [], {}
        for name, system in systems.items():
            try:
                rows += self._rows(system, prepared[name])
            except FitError as error:
                print(f"{name}: {error}; going on with the others", file=sys.stderr)
                failed[name] = str(error)
        return rows, failed

    def _rows(self, system: System, models: Prepared) -> list[MeasuredResult]:
        """The rows of one system, measured and exported."""
        rows = self._scores(system, models)
        self.exporter.export(models)
        if len(models) > 1:
            recalls = [row[0].over_folds()["uar"].mean for row in rows[: len(models)]]
            self.exporter.choose(system.name, models[int(np.argmax(recalls))][0])
        (clip,) = models[0][0].clips(models[0][1], [0])
        return [MeasuredResult(self._result(row, system, clip), row) for row in rows]

    def _scores(self, system: System, models: Prepared) -> list[tuple[Scores, ...]]:
        """For each row of the table its scores on every split."""
        examples = models[0][1]
        experiments = [Experiment(*model, self.directory, {}) for model in models]
        measured = (
            measure(experiments, split, self.parts[split], system.seed, self.scheduler)
            for split in system.splits
        )
        scores = [
            [Scores(measurement, examples.targets, examples.labels) for measurement in of_split]
            for of_split in measured
        ]
        return list(zip(*scores, strict=True))

    def _result(self, row: tuple[Scores, ...], system: System, clip: Float32) -> Result:
        name = row[0].measurement.system
        exported = Exported.read(self.exporter.path(name))
        seconds = [second for scores in row for second in scores.measurement.seconds]
        return Result(
            system=name,
            title=system.title,
            source=system.source,
            claim=system.claim,
            parameters=exported.parameters,
            training_seconds=float(np.mean(seconds)),
            latency_milliseconds=exported.least_milliseconds(clip),
            protocols={scores.measurement.protocol: ProtocolResult.of(scores) for scores in row},
        )


def _show(
    comparison: Comparison,
    rows: Sequence[MeasuredResult],
    corpus: Corpus,
    settings: ComparisonSettings,
) -> None:
    output = settings.output_path
    print(writing.text(comparison))
    writing.write(comparison, drawings.draw(comparison, corpus, settings.models), output)
    writing.write_predictions(corpus, comparison.labels, rows, output)
    print(f"\nfiles: {output}")


def predict_clip(given: ComparisonRun) -> None:
    """Prints the probabilities that an exported system gives for a clip."""
    exported = Exported.read(given.settings.models / f"{given.recipes}.onnx")
    name = given.corpus or exported.corpus
    data = replace(given.run.data, corpus=name)
    path = find_clip(given.clip, data.recordings, reader_named(name))
    print(prediction_text(path, exported.labels, predict(exported, path)))


def find_clip(clip: str, source: Path, reader: Reader) -> Path:
    """The file itself, or the utterance of the corpus with this name.

    Raises:
        CorpusError: there is neither.
    """
    path = Path(clip)
    if path.is_file():
        return path
    corpus = read_corpus(source, reader)
    for utterance in corpus.utterances:
        if utterance.path.stem == clip:
            return utterance.path
    raise CorpusError(
        f"{clip!r}: neither a file nor one of the {len(corpus.utterances)} utterances of "
        f"{reader.name} in {source}, such as {corpus.utterances[0].path.stem}"
    )


def predict(exported: Exported, path: Path) -> Float32:
    """The probability of each emotion, (L,).

    Raises:
        CorpusError: the file cannot be read as audio.
    """
    try:
        audio = load_audio(path)
    except UnusableAudioError as error:
        raise CorpusError(f"{path}: {error}") from error
    return exported.probabilities(compute(exported.features, audio))


def prediction_text(path: Path, labels: Sequence[str], probabilities: Float32) -> str:
    """The emotion, and the probability of each, the highest first."""
    pairs = sorted(zip(probabilities.tolist(), labels, strict=True), reverse=True)
    rows = [f"  {label:<12}{probability:8.4f}" for probability, label in pairs]
    return "\n".join([f"{path.name}: {pairs[0][1]}", *rows])
