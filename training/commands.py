"""What each command of `python -m training` does."""

import functools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from training.arrays import Float32
from training.audio.spectra import SpectraCache
from training.corpora.reader import Corpus, read_corpus
from training.corpora.registry import reader_named
from training.evaluation import Evaluation
from training.examples import Examples, changes, load_examples
from training.export.deployable import deployable_model
from training.export.metadata import network_metadata
from training.export.onnx_file import export_network
from training.export.ood_distance import Distance
from training.features import extractor
from training.features.cache import FeatureCache
from training.features.extraction import Extraction, extract_corpus
from training.features.standardisation import Standardisation
from training.fitting import Progress
from training.folds import Fold, read_folds, speaker_folds
from training.frames.fitting import FrameSettings
from training.functionals.fitting import FunctionalsSettings
from training.functionals.trainer import MixedTrainer
from training.jobs import Bench
from training.networks import NETWORKS
from training.protocol import evaluate, worsened_features
from training.report.card import write_model_card
from training.report.network_report import write_report
from training.report.text import evaluation_text, extraction_text
from training.settings import DataSettings, TrainingSettings
from training.storage.scheduling import Scheduler
from training.trainers import FittedNetwork, FrameTrainer, Trainer, VectorTrainer

FRAME_NETWORK = "TCN"
NAMES = (*NETWORKS, FRAME_NETWORK)


@dataclass(frozen=True)
class Run:
    """What every command is given."""

    data: DataSettings
    training: TrainingSettings
    networks: tuple[str, ...]
    resume: bool

    @property
    def scheduler(self) -> Scheduler:
        """Where the work is done."""
        return Scheduler(self.training.scheduler)

    @property
    def features(self) -> FeatureCache:
        """Of MFCCs."""
        return FeatureCache(self.data.cache_path / "features")

    @property
    def trainers(self) -> tuple[Trainer, ...]:
        """Of the networks that were asked for."""
        return tuple(map(self._trainer, self.networks))

    def _trainer(self, network: str) -> Trainer:
        if network in NETWORKS:
            return VectorTrainer(network, self.training)
        settings = FrameSettings()
        if self.training.frame_epochs:
            settings = replace(settings, epochs=self.training.frame_epochs)
        common = (network, self.features, SpectraCache(self.data.cache_path / "spectra"))
        seed, heads = self.training.seed, self.training.functionals_heads
        if heads:
            return MixedTrainer(*common, seed, settings, functionals=FunctionalsSettings(heads))
        return FrameTrainer(*common, seed, settings)

    def corpus(self) -> Corpus:
        """That of [data], its files read by name."""
        reader = reader_named(self.data.corpus)
        return read_corpus(self.data.recordings.resolve(), reader)

    def checkpoint(self, network: str) -> Path:
        """Where `fit` leaves the network."""
        return self.data.cache_path / "checkpoints" / self.data.corpus / f"{network}.pt"


@dataclass(frozen=True)
class Material:
    """A corpus whose features are in the cache."""

    corpus: Corpus
    examples: Examples

    @property
    def paths(self) -> list[Path]:
        """Of the recordings, in the order of the examples."""
        return [utterance.path for utterance in self.corpus.utterances]


def features(run: Run) -> Material:
    """Brings the caches of features up to date, and says what was left out of them."""
    corpus = run.corpus()
    wanted = changes(run.training.variants)
    extraction = extract_corpus(corpus, run.features, wanted, run.scheduler)
    print(extraction_text(extraction))
    material = _material(extraction, run)
    recordings = dict(zip(extraction.content_hashes, material.paths, strict=True))
    for trainer in run.trainers:
        trainer.prepare(recordings, run.scheduler)
    return material


def _material(extraction: Extraction, run: Run) -> Material:
    examples = load_examples(extraction, run.features, run.training.variants)
    return Material(extraction.corpus, examples)


def fit(run: Run) -> None:
    """Fits on every speaker of the corpus, leaving a checkpoint."""
    examples = features(run).examples
    for trainer in run.trainers:
        checkpoint = run.checkpoint(trainer.name)
        with tqdm(total=trainer.epochs, desc=trainer.name, unit="epoch", disable=None) as bar:
            trainer.fit_to(checkpoint, examples, _show(bar), resume=run.resume)
        print(f"{trainer.name}: fitted for {trainer.epochs} epochs; {checkpoint}")


def evaluate_networks(run: Run) -> None:
    """Prints speaker-independent results."""
    material = features(run)
    for evaluation in _evaluations(run, material).values():
        print(evaluation_text(evaluation))


def export(run: Run) -> None:
    """Writes what `fit` left as ONNX files, with the model card."""
    material = features(run)
    examples = material.examples
    fitted, clips = _fitted(run, examples), _clips(run, examples)
    distance = Distance.fit(examples.vectors, Standardisation.fit(examples.vectors))
    evaluations = _evaluations(run, material)
    for trainer in run.trainers:
        evaluation = evaluations[trainer.name]
        served = deployable_model(fitted[trainer.name], distance, evaluation.temperature())
        path = run.training.models_path / f"{trainer.name}.onnx"
        export_network(served, network_metadata(material.corpus, trainer, evaluation), clips, path)
        print(f"{trainer.name}: exported; {path}")
    print(f"model card: {write_model_card(run.training.models_path)}")


def report(run: Run) -> None:
    """Writes the report with its plots, and the model card."""
    material = features(run)
    evaluations = list(_evaluations(run, material).values())
    fitted, clips = _fitted(run, material.examples), _clips(run, material.examples)
    path = run.training.models_path / "report.html"
    write_report(path, material.corpus, evaluations, fitted, clips)
    print(f"report: {path}")
    print(f"model card: {write_model_card(run.training.models_path)}")


def build_extractor(run: Run) -> None:
    """Writes the recipe as an ONNX graph, after it has been held against librosa."""
    print(extractor.run(run.training.models_path, run.corpus()))


def _fitted(run: Run, examples: Examples) -> dict[str, FittedNetwork]:
    """What `fit` left, by network."""
    return {t.name: t.load(run.checkpoint(t.name), examples) for t in run.trainers}


def _clips(run: Run, examples: Examples) -> list[Float32]:
    """Frames float32 (T, 25) of each recording."""
    return [run.features.frames(content) for content in examples.contents.tolist()]


def _evaluations(run: Run, material: Material) -> dict[str, Evaluation]:
    """Of every network that was asked for, by name."""
    examples, scheduler = material.examples, run.scheduler
    folds = _folds(run, material)
    conditions = worsened_features(material.paths, examples, folds, run.features, scheduler)
    seeds = range(run.training.seed, run.training.seed + run.training.seeds)
    directory = run.data.cache_path / "outcomes"
    measure = functools.partial(
        evaluate, folds=folds, seeds=seeds, scheduler=scheduler, controls=run.training.controls
    )
    return {
        trainer.name: measure(Bench(trainer, examples, run.features, conditions, directory))
        for trainer in run.trainers
    }


def _folds(run: Run, material: Material) -> tuple[Fold, ...]:
    speakers = material.examples.speakers.tolist()
    if run.training.folds:
        return read_folds(run.training.folds, speakers)
    return speaker_folds(speakers, material.corpus.reader.sex)


def _show(bar: "tqdm[NoReturn]") -> Progress:
    def show(epoch: int, loss: float) -> None:
        bar.update(epoch - bar.n)
        bar.set_postfix(loss=f"{loss:.3f}")

    return show
