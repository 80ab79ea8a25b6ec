"""python -m training features | fit | evaluate | export | extractor."""

import argparse
import dataclasses
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn, TypeVar, get_type_hints

from tqdm import tqdm

from configuration import SettingError, config_path, read_section
from training import extractor
from training.calibration import fit_temperature
from training.card import write_model_card
from training.corpora import Corpus, CorpusError, read_corpus
from training.distance import Distance
from training.examples import Examples, load_examples
from training.export import ExportError, Served, export_network
from training.extractor import ExtractorError
from training.features import FeatureCache, extract_corpus
from training.fitting import CheckpointError, FitError, Progress, fit, load_fitted
from training.metadata import network_metadata
from training.networks import NETWORKS
from training.protocol import OutOfFold, ProtocolError, cross_validate, speaker_folds
from training.report import evaluation_text, extraction_text
from training.settings import DataSettings, TrainingSettings

SECTIONS: dict[str, type] = {"data": DataSettings, "training": TrainingSettings}
Settings = TypeVar("Settings")

USER_ERRORS = (
    SettingError,
    CorpusError,
    CheckpointError,
    FitError,
    ProtocolError,
    ExportError,
    ExtractorError,
)


@dataclasses.dataclass(frozen=True)
class Run:
    """What every command is given."""

    data: DataSettings
    training: TrainingSettings
    networks: tuple[str, ...]
    resume: bool

    def checkpoint(self, network: str) -> Path:
        """Where `fit` leaves the network."""
        return self.data.cache_path / "checkpoints" / f"{network}.pt"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit code is 0 only where it did all that was asked."""
    options = _parser().parse_args(arguments)
    try:
        run = Run(
            data=_settings(DataSettings, "data", options),
            training=_settings(TrainingSettings, "training", options),
            networks=tuple(NETWORKS) if options.network == "all" else (options.network,),
            resume=options.resume,
        )
        options.command(run)
    except USER_ERRORS as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; `fit --resume` continues after the last whole epoch", file=sys.stderr)
        return 130
    return 0


def features(run: Run) -> tuple[Corpus, Examples]:
    """Brings the feature cache up to date, and says what was left out of it."""
    cache = FeatureCache(run.data.cache_path / "features")
    extraction = extract_corpus(
        read_corpus(run.data.source_path.resolve()), cache, run.training.variants
    )
    print(extraction_text(extraction))
    corpus = extraction.corpus
    return corpus, load_examples(corpus, cache, run.training.variants)


def fit_networks(run: Run) -> None:
    """Fits on every speaker of the corpus, leaving a checkpoint after each epoch."""
    _, examples = features(run)
    for network in run.networks:
        checkpoint = run.checkpoint(network)
        with tqdm(total=run.training.epochs, desc=network, unit="epoch", disable=None) as bar:
            fit(network, examples, run.training, checkpoint, resume=run.resume, progress=_show(bar))
        print(f"{network}: fitted for {run.training.epochs} epochs; {checkpoint}")


def evaluate(run: Run) -> None:
    """Prints speaker-independent results."""
    corpus, examples = features(run)
    for network in run.networks:
        result = _cross_validate(network, corpus, examples, run)
        print(evaluation_text(network, result, examples.labels))


def export(run: Run) -> None:
    """Writes what `fit` left as ONNX files, with the model card."""
    corpus, examples = features(run)
    for network in run.networks:
        fitted = load_fitted(network, examples, run.training, run.checkpoint(network))
        result = _cross_validate(network, corpus, examples, run)
        distance = Distance.fit(examples.vectors, fitted.standardisation)
        served = Served(fitted, distance, fit_temperature(result.logits, result.targets))
        metadata = network_metadata(network, corpus, run.training, result)
        path = run.training.models_path / f"{network}.onnx"
        export_network(served, metadata, examples.recordings, path)
        print(f"{network}: exported; {path}")
    print(f"model card: {write_model_card(run.training.models_path)}")


def build_extractor(run: Run) -> None:
    """Writes the recipe as an ONNX graph, after it has been held against librosa."""
    print(extractor.run(run.training.models_path, run.data.source_path))


def _cross_validate(network: str, corpus: Corpus, examples: Examples, run: Run) -> OutOfFold:
    speakers = [utterance.speaker for utterance in corpus.utterances]
    folds = speaker_folds(speakers, corpus.reader.sex)
    return cross_validate(network, examples, folds, run.training)


def _show(bar: "tqdm[NoReturn]") -> Progress:
    def show(epoch: int, loss: float) -> None:
        bar.update(epoch - bar.n)
        bar.set_postfix(loss=f"{loss:.3f}")

    return show


COMMANDS: dict[str, tuple[Callable[[Run], object], str]] = {
    "features": (features, "extract the features of every recording into the cache"),
    "fit": (fit_networks, "fit networks on every speaker"),
    "evaluate": (evaluate, "measure networks on speakers that they have not heard"),
    "extractor": (build_extractor, "write the feature recipe as an ONNX file"),
    "export": (export, "write fitted networks as ONNX files, and the model card"),
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (command, description) in COMMANDS.items():
        subparser = commands.add_parser(name, help=description, description=description)
        subparser.set_defaults(command=command, network="all", resume=False)
        if name in {"fit", "evaluate", "export"}:
            subparser.add_argument("--network", choices=(*NETWORKS, "all"), default="all")
        if name == "fit":
            subparser.add_argument(
                "--resume", action="store_true", help="continue where a fit was stopped"
            )
        for section in SECTIONS:
            _add_options(subparser, section)
    return parser


def _add_options(parser: argparse.ArgumentParser, section: str) -> None:
    """One option for each key of a section of config.ini; it wins over both file and variable."""
    group = parser.add_argument_group(f"instead of [{section}] in config.ini")
    for field in dataclasses.fields(SECTIONS[section]):
        group.add_argument(f"--{field.name.replace('_', '-')}", metavar=str(field.default))


def _settings(section: type[Settings], name: str, options: argparse.Namespace) -> Settings:
    environment, origins = dict(os.environ), {}
    for key, kind in get_type_hints(section).items():
        text = getattr(options, key)
        if text is not None:
            variable = f"SER_{name}_{key}".upper()
            environment[variable] = str(Path(text).absolute()) if kind is Path else text
            origins[variable] = f"--{key.replace('_', '-')}"
    try:
        return read_section(section, name, config_path(), environment)
    except SettingError as error:
        variable, _, rest = str(error).partition(":")
        raise SettingError(f"{origins.get(variable, variable)}:{rest}") from None


if __name__ == "__main__":
    sys.exit(main())
