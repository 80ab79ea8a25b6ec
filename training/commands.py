"""The commands of `python -m training` for the networks that the server serves."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from training.arrays import Float32
from training.audio.real_noise import RealNoises
from training.audio.sounds import FOLDER as NOISE
from training.audio.sounds import training_sounds
from training.console.curves import curves_of_fit, write_curves
from training.console.epochs import Epochs, on_bar, reporting, resumption
from training.contract.served_files import SHIPPED as SHIPPED_FILES
from training.contract.served_files import complete
from training.corpora.left_out import require_most
from training.corpora.union import Corpora, read_corpora
from training.corruptions import Corruption, telephone
from training.cross_validation import Experiment
from training.examples import Examples, changes, load_examples
from training.export.deployable import deployable_model
from training.export.metadata import network_metadata
from training.export.onnx_file import export_network
from training.export.ood_distance import Distance
from training.features import extractor
from training.features.cache import ORIGINAL
from training.features.extraction import Extraction, extract_corpora
from training.features.recordings import files as recordings
from training.features.standardisation import Standardisation
from training.held_out import held_out_text, measure_held_out
from training.protocols.few_speakers import (
    EVALUATED,
    EXPORTED,
    folds_of_several,
    require_speakers,
)
from training.protocols.measure import Measurements
from training.protocols.results import Results
from training.report.card import write_model_card
from training.report.network_report import write_report
from training.report.protocols.text import results_text
from training.report.text import extraction_text
from training.settings import DataSettings, TrainingSettings
from training.storage.scheduling import Scheduler
from training.systems.base.system import Caches, Fitted
from training.systems.base.trainer import Trainer
from training.systems.registry import own_systems
from training.voice.clips import ALL, summaries_of
from training.voice.identification import Identification, identify
from training.voice.summary import mfcc_vectors

NETWORKS = {name: system for name, system in own_systems().items() if system.deployable}
SHIPPED = tuple(name for name, system in NETWORKS.items() if system.shipped)


@dataclass(frozen=True)
class Run:
    """The arguments of a command."""

    data: DataSettings
    training: TrainingSettings
    networks: tuple[str, ...]
    resume: bool = False

    @property
    def scheduler(self) -> Scheduler:
        """Runs jobs on this machine or on the cluster of [training]."""
        return Scheduler(self.training.scheduler)

    @property
    def caches(self) -> Caches:
        """Features that are kept between runs."""
        noises = RealNoises(training_sounds(self.data.corpora_path / NOISE))
        return Caches.under(self.data.cache_path, noises)

    @functools.cached_property
    def trainers(self) -> tuple[Trainer, ...]:
        """One for each network of the command.

        Raises:
            HyperparameterError: a hyperparameter is set that none of them has.
        """
        seed = self.training.seed
        systems = [
            NETWORKS[name].with_hyperparameters(self._values(name)) for name in self.networks
        ]
        return tuple(Trainer.of(system, self.caches, seed) for system in systems)

    def _values(self, network: str) -> dict[str, Any]:
        """The hyperparameters that are set; of several networks, those that this one has.

        One that none of them has is kept, so that it is refused.
        """
        values = self.training.hyperparameters
        if len(self.networks) == 1:
            return values
        known = {key for name in self.networks for key in values if NETWORKS[name].has(key)}
        own = NETWORKS[network]
        return {key: value for key, value in values.items() if own.has(key) or key not in known}

    def corpora(self) -> Corpora:
        """The corpora of [data]."""
        return read_corpora(self.data)

    def checkpoint(self, network: str, corpora: Corpora) -> Path:
        """The file that `fit` writes for a network."""
        return self.data.cache_path / "checkpoints" / corpora.key / f"{network}.pt"


@dataclass(frozen=True)
class Prepared:
    """Corpora whose features are in the caches."""

    corpora: Corpora
    examples: Mapping[str, Examples]  # by network

    @property
    def speakers(self) -> set[str]:
        """Of all recordings."""
        return {item.speaker for item in self.corpora.utterances}


def features(run: Run) -> Prepared:
    """Updates the caches of features, and prints which files were left out."""
    return _prepare(run, run.corpora())


def _prepare(run: Run, corpora: Corpora) -> Prepared:
    variants = max(trainer.variants for trainer in run.trainers)
    extraction, served = extract(run, corpora, variants)
    examples = {
        trainer.name: trainer.prepare(extraction, served, run.scheduler) for trainer in run.trainers
    }
    return Prepared(extraction.corpora, examples)


def extract(run: Run, corpora: Corpora, variants: int) -> tuple[Extraction, Examples]:
    """The MFCC vectors of every recording and of `variants` variants of it."""
    require_most(corpora)
    cache = run.caches.features
    extraction = extract_corpora(corpora, cache, changes(variants), run.scheduler)
    require_most(extraction.corpora)
    print(extraction_text(extraction))
    return extraction, load_examples(extraction, cache, variants)


def fit(run: Run) -> Prepared:
    """Fits networks to every speaker of the corpora, and writes their checkpoints."""
    prepared = features(run)
    for trainer in run.trainers:
        path = run.checkpoint(trainer.name, prepared.corpora)
        _fit(run, trainer, prepared.examples[trainer.name], path)
        print(f"{trainer.name}: fitted for {Epochs.of(trainer.model)}; {path}")
    return prepared


def _fit(run: Run, trainer: Trainer, examples: Examples, path: Path) -> None:
    with (
        tqdm(desc=trainer.name, unit="epoch", disable=None) as bar,
        curves_of_fit(run.training.log_dir, trainer.name) as curves,
    ):
        epochs, name = Epochs.of(trainer.model), trainer.name
        show = reporting(epochs, resumption(name, epochs), on_bar(bar, name), curves)
        trainer.fit_to(path, examples, show, resume=run.resume)


def evaluate_networks(run: Run) -> Prepared:
    """Prints speaker-independent results."""
    prepared = features(run)
    require_speakers(run.trainers, prepared.speakers, EVALUATED)
    for results in _results(run, prepared).values():
        print(results_text(results, prepared.corpora))
        if run.training.log_dir:
            write_curves(run.training.log_dir, results)
    _evaluate_tests(run)
    return prepared


def _evaluate_tests(run: Run) -> None:
    """Prints results on the clips that corpora of one's own set aside."""
    corpora = run.corpora()
    if not corpora.tests:
        return
    prepared = _prepare(run, corpora.with_tests())
    held_out = np.array([item.path in corpora.tests for item in prepared.corpora.utterances])
    seeds = range(run.training.seed, run.training.seed + run.training.seeds)
    for trainer in run.trainers:
        examples = prepared.examples[trainer.name]
        experiment = Experiment(trainer, examples, run.data.cache_path / "outcomes", {})
        print(held_out_text(measure_held_out(experiment, held_out, seeds, run.scheduler)))


def export(run: Run) -> Prepared:
    """Writes the networks of `fit` as ONNX files, and the model card."""
    prepared = features(run)
    require_speakers(run.trainers, prepared.speakers, EXPORTED)
    fitted = _fitted(run, prepared)
    found = _results(run, prepared)
    for trainer in run.trainers:
        examples, results = prepared.examples[trainer.name], found[trainer.name]
        vectors = mfcc_vectors(examples.features)
        distance = Distance.fit(vectors, Standardisation.fit(vectors))
        served = deployable_model(fitted[trainer.name], distance, results.temperatures)
        path = run.training.models_path / f"{trainer.name}.onnx"
        forms = trainer.model.forms
        identification = _identification(run, trainer, prepared, results) if forms else None
        metadata = network_metadata(prepared.corpora, trainer, results, identification)
        export_network(served, metadata, _clips(trainer, examples), path)
        print(f"{trainer.name}: exported; {path}")
    if copies := complete(run.training.models_path):
        print(f"extractors and reference clips: {len(copies)} files copied from {SHIPPED_FILES}")
    print(f"model card: {write_model_card(run.training.models_path)}")
    return prepared


def report(run: Run) -> Prepared:
    """Writes the report with its plots, and the model card."""
    prepared = features(run)
    results = list(_results(run, prepared).values())
    path = run.training.models_path / "report.html"
    fitted = _fitted(run, prepared)
    hashes = prepared.examples[run.networks[0]].content_hashes.tolist()
    clips = [run.caches.features.read(key) for key in hashes]
    write_report(path, prepared.corpora, results, fitted, clips)
    print(f"report: {path}")
    print(f"model card: {write_model_card(run.training.models_path)}")
    return prepared


def build_extractor(run: Run) -> None:
    """Writes the feature recipe as ONNX graphs, after they were compared with librosa."""
    corpora = run.corpora()
    print(extractor.run(run.training.models_path, corpora))
    print(recordings.run(run.training.models_path, corpora))


def _fitted(run: Run, prepared: Prepared) -> dict[str, Fitted]:
    """The networks of `fit`, by name."""
    return {
        trainer.name: trainer.load(
            run.checkpoint(trainer.name, prepared.corpora), prepared.examples[trainer.name]
        )
        for trainer in run.trainers
    }


def _clips(trainer: Trainer, examples: Examples) -> list[Float32]:
    """Each recording as the network takes it, with all that a client may send."""
    folder = ALL if trainer.model.forms else ORIGINAL.folder
    return trainer.clips(examples, range(len(examples.targets)), folder)


def _identification(
    run: Run, trainer: Trainer, prepared: Prepared, results: Results
) -> Identification:
    """How well the distance from the baseline tells other speakers and a telephone."""
    band, caches = Corruption("telephone band", telephone), run.caches
    examples = prepared.examples[trainer.name]
    for cache in (caches.features, caches.prosody):
        extract_corpora(prepared.corpora, cache, [band], run.scheduler)
    hashes = examples.content_hashes.tolist()
    filtered = summaries_of(hashes, caches.features, caches.prosody, band.folder)
    folds = folds_of_several(results.evaluation.folds)
    return identify(examples.recordings, filtered, examples.speakers, folds)


def _results(run: Run, prepared: Prepared) -> dict[str, Results]:
    """What is measured of each network of the command, by name."""
    measurements = Measurements(
        corpora=prepared.corpora,
        settings=run.training,
        scheduler=run.scheduler,
        outcomes=run.data.cache_path / "outcomes",
        noise=run.data.corpora_path / NOISE,
    )
    return measurements.of(run.trainers, prepared.examples)
