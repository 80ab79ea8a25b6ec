"""Systems as ONNX files that declare their features, labels and hyperparameters."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
import onnxruntime
from scipy.special import softmax

from training.arrays import Float32, Integers
from training.calibration import Temperature
from training.examples import Examples
from training.export.deployable import deployable_model
from training.export.onnx_file import ExportError, to_onnx
from training.export.ood_distance import Distance
from training.export.session import single_threaded
from training.features.descriptors import Features
from training.features.mfcc import pool
from training.features.standardisation import Standardisation
from training.protocols.results import MFCCS_ALONE
from training.storage.atomic_write import write_bytes
from training.storage.scheduling import Scheduler
from training.systems.base.estimators import FittedEstimator
from training.systems.base.networks import INPUT, FittedNetwork
from training.systems.base.system import Fitted, UnusableSystemError
from training.systems.base.trainer import Trainer
from training.voice.clips import FORMS, VoiceClip
from training.voice.summary import alone, mfcc_vectors, split

FORMAT = "speech-emotion-recipe/1"
TOLERANCE = 1e-4
VERIFIED_ON = 50  # clips
NOT_CALIBRATED = dict.fromkeys((MFCCS_ALONE, *FORMS), Temperature())

Feed = dict[str, Float32 | Integers]


def feed(names: Sequence[str], features: Any) -> Feed:
    """The inputs of an ONNX graph with these names, for the features of one clip.

    Where the graph takes frames, the features are those, or a `VoiceClip`.
    """
    if "frames" in names:
        clip = VoiceClip.of(features)
        inputs = {
            "frames": clip.frames[np.newaxis],
            "lengths": np.array([len(clip.frames)]),
            "prosody": clip.prosody[np.newaxis],
            "baseline": clip.baseline[np.newaxis],
        }
        return {name: inputs[name] for name in names}
    if list(names) == [INPUT]:
        return {INPUT: features[np.newaxis]}
    if list(names) == ["mfccs"]:
        return {"mfccs": pool(features)[np.newaxis]}
    # A row of all inputs, or the frames of a clip alone.
    row = features if features.ndim == 1 else alone(pool(features))
    return dict(zip(names, split(row[np.newaxis]), strict=True))


@dataclass(frozen=True)
class Exported:
    """An exported system in ONNX Runtime, on one thread."""

    session: onnxruntime.InferenceSession
    properties: dict[str, str]

    @classmethod
    def load(cls, model: bytes) -> "Exported":
        """Raises UnusableSystemError where it is no exported system."""
        try:
            session = single_threaded(model)
        except Exception as error:  # ONNX Runtime has an exception class of its own for each fault
            raise UnusableSystemError(f"not an ONNX file: {error}") from error
        properties = dict(session.get_modelmeta().custom_metadata_map)
        if properties.get("format") != FORMAT:
            raise UnusableSystemError(f"not an exported recipe: its format is not {FORMAT!r}")
        return cls(session, properties)

    @classmethod
    def read(cls, path: Path) -> "Exported":
        """Raises UnusableSystemError where there is no such file, or no exported system in it."""
        try:
            return cls.load(path.read_bytes())
        except OSError as error:
            raise UnusableSystemError(f"{path}: {error.strerror}") from error
        except UnusableSystemError as error:
            raise UnusableSystemError(f"{path}: {error}") from error

    @property
    def labels(self) -> list[str]:
        """In alphabetical order."""
        labels: list[str] = json.loads(self.properties["labels"])
        return labels

    @property
    def features(self) -> Features:
        """The features that it takes."""
        features: Features = msgspec.json.decode(self.properties["features"], type=Features)
        return features

    @property
    def corpus(self) -> str:
        """The corpora that it was fitted to, as `--corpus` names them."""
        return str(json.loads(self.properties["corpus"]))

    @property
    def parameters(self) -> int:
        """Numbers that were fitted; of trees, their nodes."""
        return int(self.properties["parameters"])

    def probabilities(self, features: Float32) -> Float32:
        """(L,), of the features of one clip."""
        names = [node.name for node in self.session.get_inputs()]
        (rows,) = self.session.run(["probabilities"], feed(names, features))
        probabilities: Float32 = rows[0]
        return probabilities


def graph(fitted: Fitted, examples: Examples) -> onnx.ModelProto:
    """A fitted model as ONNX, with `probabilities` among its outputs, not calibrated.

    Args:
        fitted: the model.
        examples: those that it was fitted to.
    """
    if isinstance(fitted, FittedNetwork | FittedEstimator):
        return fitted.graph()
    vectors = mfcc_vectors(examples.features)
    distance = Distance.fit(vectors, Standardisation.fit(vectors))
    return to_onnx(deployable_model(fitted, distance, NOT_CALIBRATED), {})


@dataclass(frozen=True)
class Exporter:
    """Fits models to all utterances and writes them."""

    directory: Path
    corpus: str  # one or more, as `--corpus` names them
    scheduler: Scheduler

    def path(self, name: str) -> Path:
        """The file of a model."""
        return self.directory / f"{name}.onnx"

    def export(self, models: Sequence[tuple[Trainer, Examples]]) -> None:
        """Writes the file of every model that has none, or one of another fit.

        Raises:
            ExportError: ONNX Runtime and the model differ by more than 1e-4 on one of 50 clips.
        """
        wanted = [(*model, self._properties(*model)) for model in models]
        lacking = [
            item for item in wanted if not self._is_current(self.path(item[0].name), item[2])
        ]
        system = models[0][0].system.name
        self.scheduler.run(self._export, lacking, f"{system} exports", "file")

    def choose(self, system: str, chosen: Trainer) -> None:
        """Gives the file of the chosen model the name of its system."""
        write_bytes(self.path(system), self.path(chosen.name).read_bytes())

    def _properties(self, trainer: Trainer, examples: Examples) -> dict[str, str]:
        """The metadata that are known before the fit."""
        system = trainer.system
        declared = {
            "title": system.title,
            "source": system.source,
            "claim": system.claim,
            "model": trainer.model.name or system.name,
            "hyperparameters": asdict(trainer.model.hyperparameters),
            "copies": asdict(system.copies) if system.copies else None,
            "splits": system.splits,
            "seed": system.seed,
        }
        identity = asdict(trainer.identity(examples))
        return {
            "format": FORMAT,
            "recipe": json.dumps(declared),
            "features": msgspec.json.encode(system.features).decode(),
            "labels": json.dumps(examples.labels),
            "corpus": json.dumps(self.corpus),
            "identity": _digest(identity),
        }

    def _is_current(self, path: Path, properties: Mapping[str, str]) -> bool:
        try:
            there = Exported.read(path).properties
        except UnusableSystemError:
            return False
        return properties.items() <= there.items()

    def _export(self, work: tuple[Trainer, Examples, dict[str, str]]) -> None:
        trainer, examples, properties = work
        fitted = trainer.fit(examples, trainer.system.seed)
        model = graph(fitted, examples)
        more = {"parameters": str(fitted.parameters)}
        onnx.helper.set_model_props(model, {**properties, **more})
        content = model.SerializeToString()
        verify(Exported.load(content), trainer, fitted, examples)
        write_bytes(self.path(trainer.name), content)


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def verify(exported: Exported, trainer: Trainer, fitted: Fitted, examples: Examples) -> None:
    """Raises ExportError where file and model differ by more than 1e-4 on one of 50 clips."""
    last = len(examples.targets) - 1
    rows = np.unique(np.linspace(0, last, VERIFIED_ON).astype(np.int64)).tolist()
    clips = trainer.clips(examples, rows)
    expected = softmax(fitted.logits(clips), axis=1)
    actual = np.stack([exported.probabilities(clip) for clip in clips])
    difference = float(np.abs(actual - expected).max())
    if not difference <= TOLERANCE:
        raise ExportError(
            f"{trainer.name}: the ONNX graph and the trainer differ by {difference:.2g} on "
            f"{len(rows)} clips; expected at most {TOLERANCE:g}"
        )
