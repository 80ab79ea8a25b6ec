"""`python -m training compare` and `predict`."""

import functools
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from training.commands import Material, Run, features
from training.comparison.declaration import ProjectModel, Recipe, ServedFeatures, read_recipes
from training.comparison.exported import Exported, Exporter
from training.comparison.measurement import Measurement, Yard
from training.comparison.prediction import find_clip, predict, prediction_text
from training.comparison.settings import ComparisonSettings
from training.comparison.splits import Part, folds_by_speaker, split
from training.comparison.systems import System, Workshop
from training.corpora.reader import Corpus
from training.corpora.registry import reader_named
from training.examples import Examples
from training.fitting import FitError
from training.folds import Fold
from training.report import comparison_files
from training.report.comparison import Comparison, CorpusFacts, ProtocolResult, SystemResult
from training.report.latency import least_milliseconds
from training.trainers import Trainer


@dataclass(frozen=True)
class ComparisonRun:
    """What the commands are given."""

    run: Run
    settings: ComparisonSettings
    recipes: str  # names, separated by commas, or all
    corpus: str | None = None  # named by an option
    clip: str = ""  # a file, or the name of an utterance


def compare(given: ComparisonRun) -> None:
    """Trains and measures recipes on one protocol, exports them, and writes the tables.

    Raises:
        FitError: a recipe came to nothing; all others were measured, and the tables say so.
    """
    settings, run = given.settings, given.run
    recipes = {
        name: recipe.with_epochs(settings.epochs)
        for name, recipe in read_recipes(settings.folders, given.recipes).items()
    }
    material = features(_lean(run, recipes))
    examples = with_occurring_labels(material.examples)
    folds = folds_by_speaker(examples, material.corpus.reader.sex, settings.folds)
    systems = make_workshop(run, material, examples).systems(recipes)
    rows, failed = _trial(given, examples, folds).rows(recipes, systems)
    if rows:
        facts, results = CorpusFacts.of(material.corpus), tuple(result for result, _ in rows)
        comparison = Comparison(facts, examples.labels, folds, results, failed)
        measurements = [measurement for _, row in rows for measurement in row]
        _show(comparison, measurements, material.corpus, settings)
    if failed:
        raise FitError("; ".join(f"{name}: {reason}" for name, reason in failed.items()))


def _show(
    comparison: Comparison,
    measurements: Sequence[Measurement],
    corpus: Corpus,
    settings: ComparisonSettings,
) -> None:
    output = settings.output_path
    print(comparison_files.text(comparison))
    figures = comparison_files.draw(comparison, corpus, settings.models)
    comparison_files.write(comparison, figures, output)
    comparison_files.write_predictions(corpus, comparison.labels, measurements, output)
    print(f"\nfiles: {output}")


Measured = tuple[SystemResult, tuple[Measurement, ...]]  # one row, and what it was made from


@dataclass(frozen=True)
class Trial:
    """What every recipe goes through."""

    examples: Examples
    parts: Mapping[str, tuple[Part, ...]]  # by protocol
    yard: Yard
    exporter: Exporter

    def rows(
        self, recipes: Mapping[str, Recipe], systems: list[System]
    ) -> tuple[list[Measured], dict[str, str]]:
        """The rows of all recipes; of those whose loss is no longer finite, the reason by name."""
        rows, failed = [], {}
        for name, recipe in recipes.items():
            try:
                rows += self._rows(recipe, [s for s in systems if s.recipe == name])
            except FitError as error:
                print(f"{name}: {error}; going on with the others", file=sys.stderr)
                failed[name] = str(error)
        return rows, failed

    def _rows(self, recipe: Recipe, systems: list[System]) -> list[Measured]:
        """The rows of one recipe, measured and exported."""
        measured = self._measure(recipe, systems)
        self.exporter.export(systems, recipe)
        if len(systems) > 1:
            self.exporter.choose(systems[0].recipe, self._best(systems, measured))
        return [(self._result(row, recipe, systems), row) for row in measured]

    def _measure(self, recipe: Recipe, systems: list[System]) -> list[tuple[Measurement, ...]]:
        """For each row of the table its measurement on every protocol."""
        measured = (
            self.yard.measure(systems, protocol, self.parts[protocol], recipe.protocol.seed)
            for protocol in recipe.protocol.splits
        )
        return list(zip(*measured, strict=True))

    def _protocols(self, row: tuple[Measurement, ...]) -> dict[str, ProtocolResult]:
        targets, labels = self.examples.targets, self.examples.labels
        return {m.protocol: ProtocolResult.of(m, targets, labels) for m in row}

    def _best(self, systems: list[System], measured: list[tuple[Measurement, ...]]) -> System:
        """By the recall over all folds of the first protocol."""
        first = (next(iter(self._protocols(row).values())) for row in measured[: len(systems)])
        return systems[int(np.argmax([result.metrics["uar"].mean for result in first]))]

    def _result(
        self, row: tuple[Measurement, ...], recipe: Recipe, systems: list[System]
    ) -> SystemResult:
        name = row[0].system
        exported = Exported.read(self.exporter.path(name))
        predict = functools.partial(exported.probabilities, systems[0].learner.inputs(0))
        return SystemResult(
            system=name,
            title=recipe.title,
            source=recipe.source,
            claim=recipe.claim,
            parameters=exported.parameters,
            training_seconds=float(np.mean([s for measured in row for s in measured.seconds])),
            latency_milliseconds=least_milliseconds(predict),
            protocols=self._protocols(row),
        )


def _trial(given: ComparisonRun, examples: Examples, folds: tuple[Fold, ...]) -> Trial:
    data, scheduler = given.run.data, given.run.scheduler
    utterances = len(examples.targets)
    models, labels = given.settings.models, examples.labels
    return Trial(
        examples=examples,
        parts=split(examples, folds),
        yard=Yard(examples.targets, data.cache_path / "comparison", scheduler),
        exporter=Exporter(models, data.corpus, labels, utterances, scheduler),
    )


def _lean(run: Run, recipes: Mapping[str, Recipe]) -> Run:
    """The run without what only this project's own networks need, where none is asked for."""
    own = any(isinstance(recipe.features, ServedFeatures) for recipe in recipes.values())
    training = run.training if own else replace(run.training, variants=0)
    return replace(run, networks=(), training=training)


def with_occurring_labels(examples: Examples) -> Examples:
    """The same, without emotions of which the corpus has no clip."""
    known, targets = np.unique(examples.targets, return_inverse=True)
    labels = tuple(examples.labels[index] for index in known.tolist())
    return replace(examples, targets=targets, labels=labels)


def make_workshop(run: Run, material: Material, examples: Examples) -> Workshop:
    """What the learners of a run are made of; `examples` are the material's."""
    recordings = dict(zip(examples.contents.tolist(), material.paths, strict=True))

    def trainer(model: ProjectModel) -> Trainer:
        # A recipe's settings are numbers, as those of a fit are.
        training = replace(run.training, **model.settings)  # type: ignore[arg-type]
        if model.epochs:
            training = replace(training, epochs=model.epochs, frame_epochs=model.epochs)
        (made,) = replace(run, training=training, networks=(model.network,)).trainers
        made.prepare(recordings, run.scheduler)
        return made

    return Workshop(
        examples=examples,
        paths=material.paths,
        cache=run.features,
        trainer=trainer,
        directory=run.data.cache_path / "recipes",
        scheduler=run.scheduler,
    )


def predict_clip(given: ComparisonRun) -> None:
    """Says what an exported recipe hears in a clip."""
    exported = Exported.read(given.settings.models / f"{given.recipes}.onnx")
    name = given.corpus or exported.corpus
    data = replace(given.run.data, corpus=name)
    path = find_clip(given.clip, data.recordings, reader_named(name))
    print(prediction_text(path, exported.labels, predict(exported, path)))
