"""What docs/Report_SER.ipynb shows: the results of a comparison, its recordings and networks."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from configuration import config_path, read_section
from training.arrays import Float32
from training.comparison.drawings import draw_filters, draw_saliency, first_filters
from training.comparison.results import Comparison
from training.comparison.saliency import ConvolutionalNetwork
from training.corpora.reader import Corpus, read_corpus, reader_named
from training.export.system_file import Exported, feed
from training.features.descriptors import Features, ImageFeatures, PooledFeatures, compute
from training.features.mfcc import load_audio
from training.report.attributions import choose_clips, shares
from training.report.drawing import Drawing
from training.report.saliency_maps import draw_coefficients, draw_emotion_maps
from training.settings import ComparisonSettings, DataSettings


@dataclass(frozen=True)
class Report:
    """What `python -m training compare` left, and what it was made from."""

    comparison: Comparison
    corpus: Corpus
    models: Path

    @classmethod
    def read(cls) -> "Report":
        """From where config.ini and the environment say, as the command does.

        Raises:
            ResultsError: there are no results; the message names the command for them.
            CorpusError: the recordings are not there.
        """
        settings = read_section(ComparisonSettings, "comparison", config_path())
        data = read_section(DataSettings, "data", config_path())
        comparison = Comparison.read(settings.output_path)
        option = comparison.corpus.option
        corpus = read_corpus(replace(data, corpus=option).recordings, reader_named(option))
        return cls(comparison, corpus, settings.models)

    def filters(self) -> Iterator[Drawing]:
        """Of the first convolution of each recipe that has one."""
        for name in self._recipes:
            filters = first_filters(self._path(name))
            if filters is not None:
                yield draw_filters(name, filters)

    def saliency(self) -> Iterator[Drawing]:
        """Of each recipe that is a convolutional network, over one clip a speaker and emotion."""
        for name in self._recipes:
            network = ConvolutionalNetwork.read(self._path(name))
            if network is not None:
                yield from self._saliency(name, network)

    @property
    def _recipes(self) -> list[str]:
        return [result.system for result in self.comparison.recipes.results]

    def _path(self, name: str) -> Path:
        return self.models / f"{name}.onnx"

    def _saliency(self, name: str, network: ConvolutionalNetwork) -> Iterator[Drawing]:
        exported = Exported.read(self._path(name))
        found = network.saliency(self._inputs(exported.features, network.input))
        labels, bands = self.comparison.labels, axis_of(exported.features)
        won = sorted({clip.target for clip in found})
        heard, maps = [labels[target] for target in won], shares(found, len(labels))[won]
        if len(found[0].frames) == 1:  # a vector has no time
            yield draw_coefficients(name, maps, heard, bands)
        else:
            yield draw_saliency(name, found[0], labels[found[0].target], bands)
            yield draw_emotion_maps(name, maps, heard, bands)

    def _inputs(self, features: Features, name: str) -> Float32:
        """What a network with this input is given of the chosen clips, (N, ...)."""
        utterances = self.corpus.utterances
        targets = np.array([self.comparison.labels.index(item.emotion) for item in utterances])
        chosen = choose_clips(np.array([item.speaker for item in utterances]), targets)
        clips = [compute(features, load_audio(utterances[index].path)) for index in chosen]
        return np.concatenate([feed([name], clip)[name] for clip in clips]).astype(np.float32)


def axis_of(features: Features) -> str:
    """What the bands of an image, or the numbers of a vector, are."""
    match features:
        case ImageFeatures(of, _, _):
            return of.upper() if of == "mfcc" else f"{of} band"
        case PooledFeatures(parts):
            counts = [(part.of, part.count * len(part.statistics)) for part in parts]
            return "in order: " + ", ".join(f"{count} {of}" for of, count in counts)
        case _:
            return "MFCC"
