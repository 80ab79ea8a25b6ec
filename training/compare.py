"""`python -m training compare` and `predict`: systems side by side, on one corpus."""

import functools
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from training.arrays import Float32
from training.commands import Run, extract
from training.corpora.reader import CorpusError
from training.corpora.union import Corpora, read_corpora
from training.cross_validation import Experiment, Part, comparison_parts
from training.evaluation import Measurement, measure
from training.examples import Examples
from training.export.system_file import Exported, Exporter
from training.features.descriptors import compute
from training.features.extraction import Extraction
from training.features.loading import UnusableAudioError, load_audio
from training.fitting.loop import FitError
from training.folds import comparison_folds
from training.report import comparison_files
from training.report.comparison import Comparison, CorpusFacts, ProtocolResult, SystemResult
from training.report.latency import least_milliseconds
from training.settings import ComparisonSettings, DataSettings
from training.storage.scheduling import Scheduler
from training.systems.base.system import Split, System, UnusableSystemError
from training.systems.base.trainer import Trainer
from training.systems.registry import choose, find_systems


@dataclass(frozen=True)
class ComparisonRun:
    """The arguments of a command."""

    run: Run
    settings: ComparisonSettings
    recipes: str  # names of systems, separated by commas, or all
    corpus: tuple[str, ...] | None = None  # given by an option
    clip: str = ""  # a file, or the name of an utterance


def compare(given: ComparisonRun) -> Extraction:
    """Fits and measures systems on the same splits, exports them, and writes the tables.

    Raises:
        FitError: a system diverged; all others were measured, and the tables name it.
    """
    run, settings = given.run, given.settings
    systems = chosen_systems(given).values()
    trainers = [
        [Trainer(system, model, run.caches, system.seed) for model in system.models]
        for system in systems
    ]
    variants = max(trainer.variants for models in trainers for trainer in models)
    extraction, served = extract(run, run.corpora(), variants)
    served = served.with_occurring_labels()
    corpora = extraction.corpora
    folds = comparison_folds(served.speakers.tolist(), corpora.sex, settings.folds)
    prepared = [prepare(models, extraction, served, run.scheduler) for models in trainers]
    outcomes = run.data.cache_path / "outcomes"
    exporter = Exporter(settings.models, corpora.option, run.scheduler)
    comparer = Comparer(comparison_parts(served, folds), outcomes, exporter, run.scheduler)
    rows, failed = comparer.rows(prepared)
    if rows:
        facts, results = CorpusFacts.of(corpora), tuple(result for result, _ in rows)
        comparison = Comparison(facts, served.labels, folds, results, failed)
        measurements = [measurement for _, row in rows for measurement in row]
        _show(comparison, measurements, corpora, settings)
    if failed:
        raise FitError("; ".join(f"{name}: {reason}" for name, reason in failed.items()))
    return extraction


def chosen_systems(given: ComparisonRun) -> dict[str, System]:
    """The systems of the command, with the hyperparameters that are set.

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


PreparedModels = list[tuple[Trainer, Examples]]  # of one system, and what they are fitted to


def prepare(
    trainers: Sequence[Trainer], extraction: Extraction, served: Examples, scheduler: Scheduler
) -> PreparedModels:
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


Row = tuple[Measurement, ...]  # of one model, on every split


@dataclass(frozen=True)
class Comparer:
    """Measures and exports systems, one after the other."""

    parts: Mapping[Split, tuple[Part, ...]]
    directory: Path  # of the outcomes
    exporter: Exporter
    scheduler: Scheduler

    def rows(
        self, prepared: Sequence[PreparedModels]
    ) -> tuple[list[tuple[SystemResult, Row]], dict[str, str]]:
        """The rows of all systems; of those whose loss is no longer finite, the reason by name."""
        rows, failed = [], {}
        for models in prepared:
            name = models[0][0].system.name
            try:
                rows += self._rows(models)
            except FitError as error:
                print(f"{name}: {error}; going on with the others", file=sys.stderr)
                failed[name] = str(error)
        return rows, failed

    def _rows(self, models: PreparedModels) -> list[tuple[SystemResult, Row]]:
        """The rows of one system: one for each model, then one for the choice among several."""
        (trainer, examples), *others = models
        experiments = [Experiment(*model, self.directory, {}) for model in models]
        measured = (
            measure(experiments, split, self.parts[split], self.scheduler)
            for split in trainer.system.splits
        )
        rows: list[Row] = list(zip(*measured, strict=True))
        self.exporter.export(models)
        if others:
            best = _best(rows[: len(models)], examples)
            self.exporter.choose(trainer.system.name, models[best][0])
        (clip,) = trainer.clips(examples, [0])
        return [(self._result(row, trainer.system, examples, clip), row) for row in rows]

    def _result(self, row: Row, system: System, examples: Examples, clip: Float32) -> SystemResult:
        name = row[0].system
        exported = Exported.read(self.exporter.path(name))
        return SystemResult(
            system=name,
            title=system.title,
            source=system.source,
            claim=system.claim,
            parameters=exported.parameters,
            training_seconds=float(np.mean([s for measured in row for s in measured.seconds])),
            latency_milliseconds=least_milliseconds(
                functools.partial(exported.probabilities, clip)
            ),
            protocols={measured.protocol: _protocol(measured, examples) for measured in row},
        )


def _protocol(measurement: Measurement, examples: Examples) -> ProtocolResult:
    return ProtocolResult.of(measurement, examples.targets, examples.labels)


def _best(rows: Sequence[Row], examples: Examples) -> int:
    """The row with the highest recall over all folds of the first split."""
    return int(np.argmax([_protocol(row[0], examples).metrics["uar"].mean for row in rows]))


def _show(
    comparison: Comparison,
    measurements: Sequence[Measurement],
    corpora: Corpora,
    settings: ComparisonSettings,
) -> None:
    output = settings.output_path
    print(comparison_files.text(comparison))
    figures = comparison_files.draw(comparison, corpora, settings.models)
    comparison_files.write(comparison, figures, output)
    comparison_files.write_predictions(corpora, comparison.labels, measurements, output)
    print(f"\nfiles: {output}")


def predict_clip(given: ComparisonRun) -> None:
    """Prints the probabilities that an exported system gives for a clip."""
    exported = Exported.read(_exported_path(given))
    corpus = given.corpus or tuple(shlex.split(exported.corpus))
    path = find_clip(given.clip, replace(given.run.data, corpus=corpus))
    print(prediction_text(path, exported.labels, predict(exported, path)))


def _exported_path(given: ComparisonRun) -> Path:
    """Raises UnusableSystemError where the system is unknown, or not exported yet."""
    name = given.recipes
    path = given.settings.models / f"{name}.onnx"
    if path.exists():
        return path
    system, _, _ = name.partition("/")  # of several models, each is NAME/MODEL
    try:
        choose(find_systems(given.settings.recipes_path), system)
    except UnusableSystemError as error:
        raise UnusableSystemError(f"{path}: no such file; {error}") from error
    output = given.settings.output_path
    option = f" --output-path {output}" if output != ComparisonSettings.output_path else ""
    raise UnusableSystemError(
        f"{path}: no such file; make it with: python -m training compare --recipes {system}{option}"
    )


def find_clip(clip: str, data: DataSettings) -> Path:
    """The file itself, or the utterance of the corpora with this name.

    Raises:
        CorpusError: there is neither.
    """
    path = Path(clip)
    if path.is_file():
        return path
    corpora = read_corpora(data)
    for utterance in corpora.utterances:
        if utterance.path.stem == clip:
            return utterance.path
    raise CorpusError(
        f"{clip!r}: neither a file nor one of the {len(corpora.utterances)} utterances of "
        f"{corpora.name} in {corpora.sources}, such as {corpora.utterances[0].path.stem}"
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
