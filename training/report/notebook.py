"""docs/Report_SER.ipynb: its content, and the command that runs it (`make notebook`)."""

import json
import os
import shlex
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
from nbclient import NotebookClient
from nbformat import NotebookNode
from traitlets.config import Config

from configuration import ROOT, config_path, read_section
from training.arrays import Float32
from training.corpora.union import Corpora, read_corpora
from training.export.system_file import Exported
from training.features.descriptors import compute
from training.features.loading import load_audio
from training.features.mfcc import pool
from training.report.attribution import choose_clips, feature_ablation, shares
from training.report.attribution_figures import (
    draw_coefficients,
    draw_emotion_maps,
    draw_example,
    draw_filters,
    first_filters,
)
from training.report.comparison import Comparison
from training.report.evaluation_figures import draw_confusion
from training.report.figure import Figure
from training.settings import ComparisonSettings, DataSettings

PATH = ROOT / "docs" / "Report_SER.ipynb"
TIMEOUT_SECONDS = 1200  # for a cell
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",  # so that sums keep their order
    "PYTHONWARNINGS": "ignore:IProgress not found",  # the progress bar of captum and tqdm
}


def read() -> NotebookNode:
    """Return the notebook as stored."""
    notebook: NotebookNode = nbformat.read(PATH, as_version=4)  # type: ignore[no-untyped-call]
    return notebook


def execute() -> NotebookNode:
    """Return the notebook with new outputs; the same input gives the same outputs.

    Raises:
        CellExecutionError: a cell failed.
    """
    notebook = read()
    with tempfile.TemporaryDirectory() as sockets:  # IPC opens no port
        client = NotebookClient(
            notebook,
            timeout=TIMEOUT_SECONDS,
            resources={"metadata": {"path": str(PATH.parent)}},
            record_timing=False,
            config=Config({"KernelManager": {"transport": "ipc", "ip": f"{sockets}/kernel"}}),
        )
        client.execute(env={**os.environ, **ENVIRONMENT})
    notebook.metadata.language_info = {"name": "python"}
    return notebook


@dataclass(frozen=True)
class ComparisonReport:
    """The results of `python -m training compare`, its corpus and its exported models."""

    comparison: Comparison
    corpus: Corpora
    models: Path

    @classmethod
    def read(cls) -> "ComparisonReport":
        """Read from the folders that config.ini and the environment name.

        Raises:
            ResultsError: there are no results; the message names the command that writes them.
            CorpusError: the recordings are missing.
        """
        settings = read_section(ComparisonSettings, "comparison", config_path())
        data = read_section(DataSettings, "data", config_path())
        comparison = Comparison.read(settings.output_path)
        named = tuple(shlex.split(comparison.corpus.option))
        return cls(comparison, read_corpora(replace(data, corpus=named)), settings.models)

    def confusions(self) -> Iterator[Figure]:
        """The confusion matrix of each recipe on unseen speakers."""
        for result, found in self.comparison.recipes.on_unseen_speakers():
            yield draw_confusion(result.system, np.array(found.confusion), self.comparison.labels)

    def filters(self) -> Iterator[Figure]:
        """The first convolution of each recipe that has one."""
        for name, kernels in self._convolutions():
            yield draw_filters(name, kernels)

    def attributions(self) -> Iterator[Figure]:
        """Feature ablation of each recipe with a convolution, on one clip a speaker and emotion."""
        for name, _ in self._convolutions():
            yield from self._attributions(name)

    def _convolutions(self) -> Iterator[tuple[str, Float32]]:
        for result in self.comparison.recipes.results:
            kernels = first_filters(self._path(result.system))
            if kernels is not None:
                yield result.system, kernels

    def _path(self, system: str) -> Path:
        return self.models / f"{system}.onnx"

    def _attributions(self, name: str) -> Iterator[Figure]:
        model, labels = FrameModel.read(self._path(name)), self.comparison.labels
        utterances = self.corpus.utterances
        targets = np.array([labels.index(item.emotion) for item in utterances])
        chosen = choose_clips(np.array([item.speaker for item in utterances]), targets)
        clips = [model.frames(utterances[index].path) for index in chosen]
        found = feature_ablation(model.probabilities, clips, targets[chosen].tolist())
        maps = shares(found, len(labels))
        if len(clips[0]) == 1:  # a vector has no time axis
            yield draw_coefficients(name, maps, labels, model.axis)
        else:
            example = max(found, key=lambda attribution: attribution.weights.sum())
            yield draw_example(name, example, labels[example.target], model.axis)
            yield draw_emotion_maps(name, maps, labels, model.axis)


@dataclass(frozen=True)
class FrameModel:
    """An exported model with inputs (T, B): frames, columns of an image, or a vector (T = 1)."""

    exported: Exported
    features: dict[str, Any]  # as the file's metadata declares them

    @classmethod
    def read(cls, path: Path) -> "FrameModel":
        """Read an exported model."""
        exported = Exported.read(path)
        return cls(exported, json.loads(exported.properties["features"]))

    @property
    def axis(self) -> str:
        """The meaning of the B numbers."""
        if self.features["shape"] == "vector":
            return f"in order: {', '.join(map(_count, self.features['parts']))}"
        kind = self.features.get("of", "mfcc")
        return "MFCC" if kind == "mfcc" else f"{kind} band"

    def frames(self, recording: Path) -> Float32:
        """Return the input of one recording, float32 (T, B)."""
        features = compute(self.exported.features, load_audio(recording))
        if self.features["shape"] == "image":
            return np.ascontiguousarray(features.T)
        if self.features["shape"] == "vector":
            return features[np.newaxis]
        takes_mean = self.exported.session.get_inputs()[0].name == "mfccs"
        return pool(features)[np.newaxis] if takes_mean else features

    def probabilities(self, frames: Float32) -> Float32:
        """Map (T, B) to probabilities (L,)."""
        if self.features["shape"] == "image":
            return self.exported.probabilities(np.ascontiguousarray(frames.T))
        if self.features["shape"] == "vector":
            return self.exported.probabilities(frames[0])
        return self.exported.probabilities(frames)


def _count(part: dict[str, Any]) -> str:
    return f"{part['count'] * len(part['statistics'])} {part['of']}"


if __name__ == "__main__":
    nbformat.write(execute(), PATH)  # type: ignore[no-untyped-call]
