"""Exported recipes: ONNX files that say of themselves what goes in and what comes out."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
import onnxruntime

from training.arrays import Float32
from training.comparison.declaration import Features, Recipe, RecipeError
from training.comparison.fits import identity_digest
from training.comparison.learners import Predictor, feed
from training.comparison.systems import System
from training.export.onnx_file import ExportError
from training.storage.atomic_write import atomic_write
from training.storage.scheduling import Scheduler

FORMAT = "speech-emotion-recipe/1"
TOLERANCE = 1e-4
VERIFIED_ON = 50  # clips


@dataclass(frozen=True)
class Exported:
    """An ONNX file at work, on one thread."""

    session: onnxruntime.InferenceSession
    properties: dict[str, str]

    @classmethod
    def load(cls, model: bytes) -> "Exported":
        """Raises RecipeError where it is no exported recipe."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            session = onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime has an exception class of its own for each fault
            raise RecipeError(f"not an ONNX file: {error}") from error
        properties = dict(session.get_modelmeta().custom_metadata_map)
        if properties.get("format") != FORMAT:
            raise RecipeError(f"not an exported recipe: its format is not {FORMAT!r}")
        return cls(session, properties)

    @classmethod
    def read(cls, path: Path) -> "Exported":
        """Raises RecipeError where there is no such file, or no exported recipe in it."""
        try:
            return cls.load(path.read_bytes())
        except OSError as error:
            raise RecipeError(f"{path}: {error.strerror}") from error
        except RecipeError as error:
            raise RecipeError(f"{path}: {error}") from error

    @property
    def labels(self) -> list[str]:
        """In alphabetical order."""
        labels: list[str] = json.loads(self.properties["labels"])
        return labels

    @property
    def features(self) -> Features:
        """What it takes of a clip."""
        features: Features = msgspec.json.decode(self.properties["features"], type=Features)
        return features

    @property
    def corpus(self) -> str:
        """What it was fitted to, as `--corpus` names it."""
        return str(json.loads(self.properties["corpus"]))

    @property
    def parameters(self) -> int:
        """Numbers that were fitted; of trees, their nodes."""
        return int(self.properties["parameters"])

    def probabilities(self, features: Float32) -> Float32:
        """(L,), of the features of one clip."""
        names = [node.name for node in self.session.get_inputs()]
        answer = self.session.run(["probabilities"], feed(names, features))
        return np.asarray(answer[0][0], np.float32)


@dataclass(frozen=True)
class Exporter:
    """Fits systems to all utterances and writes them."""

    directory: Path
    corpus: str
    labels: tuple[str, ...]
    utterances: int
    scheduler: Scheduler

    def path(self, name: str) -> Path:
        """The file of a system."""
        return self.directory / f"{name}.onnx"

    def export(self, systems: Sequence[System], recipe: Recipe) -> None:
        """Writes the file of every system that has none, or one of another fit.

        Raises:
            ExportError: the graph and the trainer differ by more than 1e-4 on one of 50 clips.
        """
        wanted = [(system, self._properties(system, recipe)) for system in systems]
        lacking = [
            (system, properties, recipe.protocol.seed)
            for system, properties in wanted
            if not self._is_current(self.path(system.name), properties)
        ]
        self.scheduler.run(self._export, lacking, f"{systems[0].recipe} exports", "file")

    def choose(self, recipe: str, chosen: System) -> None:
        """Gives the file of the chosen model the name of its recipe."""
        with atomic_write(self.path(recipe)) as part:
            part.write_bytes(self.path(chosen.name).read_bytes())

    def _properties(self, system: System, recipe: Recipe) -> dict[str, str]:
        """All that is known of the file before the fit."""
        declared: Any = msgspec.to_builtins(recipe)
        declared["models"] = [msgspec.to_builtins(system.model)]
        return {
            "format": FORMAT,
            "recipe": json.dumps(declared),
            "features": msgspec.json.encode(recipe.features).decode(),
            "labels": json.dumps(self.labels),
            "corpus": json.dumps(self.corpus),
            "identity": identity_digest(system.learner),
        }

    def _is_current(self, path: Path, properties: dict[str, str]) -> bool:
        try:
            there = Exported.read(path).properties
        except RecipeError:
            return False
        return properties.items() <= there.items()

    def _export(self, work: tuple[System, dict[str, str], int]) -> None:
        system, properties, seed = work
        predictor = system.learner.fit(np.arange(self.utterances), seed)
        graph = predictor.graph()
        more = {"parameters": str(predictor.parameters)}
        onnx.helper.set_model_props(graph, {**properties, **more})
        content = graph.SerializeToString()
        verify(Exported.load(content), system, predictor, self.utterances)
        with atomic_write(self.path(system.name)) as part:
            part.write_bytes(content)


def verify(exported: Exported, system: System, predictor: Predictor, utterances: int) -> None:
    """Raises ExportError where file and trainer differ by more than 1e-4 on one of 50 clips."""
    rows = np.unique(np.linspace(0, utterances - 1, VERIFIED_ON).astype(np.int64))
    expected = predictor.probabilities(rows)
    answers = [exported.probabilities(system.learner.inputs(row)) for row in rows.tolist()]
    difference = float(np.abs(np.stack(answers) - expected).max())
    if not difference <= TOLERANCE:
        raise ExportError(
            f"{system.name}: the ONNX graph and the trainer differ by {difference:.2g} on "
            f"{len(rows)} clips; expected at most {TOLERANCE:g}"
        )
