"""The batches of an epoch: augmented clips of one length each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.arrays import Float32, Integers
from training.audio.augmentation import Augmented, Augmenter, Draw
from training.audio.spectra import Spectra
from training.examples import Examples
from training.frames.hyperparameters import Hyperparameters
from training.systems.base.system import Caches
from training.voice.summary import BASELINE, MEMBERS, PROSODY, baseline_of

OF_PROSODY = [*range(MEMBERS - PROSODY, MEMBERS), *range(2 * MEMBERS - PROSODY, 2 * MEMBERS)]


@dataclass(frozen=True)
class FrameExamples:
    """N utterances as a frame network is fitted to them."""

    examples: Examples
    spectra: Sequence[Spectra]
    recordings: Sequence[Float32]  # frames (T, 25) of the recordings themselves

    @classmethod
    def read(cls, examples: Examples, caches: Caches) -> "FrameExamples":
        """From the caches, which must hold the examples' spectra."""
        hashes = examples.content_hashes.tolist()
        return cls(
            examples=examples,
            spectra=[caches.spectra.read(content) for content in hashes],
            recordings=[caches.features.read(content) for content in hashes],
        )

    def means(self) -> Float32:
        """Of each recording as it is: (N, 28)."""
        return np.stack([spectra.means[0] for spectra in self.spectra])


@dataclass(frozen=True)
class ClipBatch:
    """n clips as clients may send them."""

    rows: Integers  # (n,)
    frames: Float32  # (n, T, 25)
    prosody: Float32  # (n, T, 3), zeros where it is left out
    baselines: Float32  # (n, 57), zeros where it is left out


class Baselines:
    """Draws baselines of 1 to `most_clips` other clips, recorded and spoken as the clip itself."""

    def __init__(
        self,
        spectra: Sequence[Spectra],
        speakers: npt.NDArray[np.str_],
        hyperparameters: Hyperparameters,
        random: np.random.Generator,
    ) -> None:
        self.means = np.stack([item.means for item in spectra])  # (N, variants, 28)
        _, self.speaker = np.unique(speakers, return_inverse=True)
        self.clips = [np.flatnonzero(self.speaker == k) for k in range(self.speaker.max() + 1)]
        self.hyperparameters, self.random = hyperparameters, random

    def of(self, draws: Sequence[Draw], augmented: Augmented) -> Float32:
        """Baselines (n, 57), some of them left out."""
        rows = np.zeros((len(draws), BASELINE), np.float32)
        for index, draw in enumerate(draws):
            if self.random.random() >= self.hyperparameters.without_baseline:
                rows[index] = self._one(draw, augmented.channels[index], augmented.drifts[index])
        return rows

    def _one(self, draw: Draw, channel: Float32, drift: Float32) -> Float32:
        """One of the same variant, through the same channel, and in some of the same noise."""
        random, own = self.random, self.clips[self.speaker[draw.row]]
        others = own[own != draw.row]
        if not len(others):
            return np.zeros(BASELINE, np.float32)
        count = round(self.hyperparameters.most_clips ** random.random())
        chosen = random.choice(others, min(count, len(others)), replace=False)
        means = self.means[chosen, draw.variant].copy()
        noise = random.random() * (random.random() < 0.5)
        means[:, : len(channel)] += channel + np.float32(noise) * drift
        return baseline_of(means)


def epoch_batches(
    augmenter: Augmenter, baselines: Baselines, mean: Float32, hyperparameters: Hyperparameters
) -> Iterator[ClipBatch]:
    """Every utterance once; `mean` (25,) is the value of masked coefficients."""
    random, size = augmenter.random, hyperparameters.batch_size
    draws = [augmenter.draw(row) for row in range(len(augmenter.spectra))]
    lengths = np.array([min(draw.length, hyperparameters.longest) for draw in draws])
    order = np.argsort(lengths * np.exp(random.normal(0, hyperparameters.disorder, len(draws))))
    groups = np.split(order, range(size, len(order), size))
    enough = [group for group in groups if 2 * len(group) >= min(size, len(order))]
    for index in random.permutation(len(enough)):
        chosen = [draws[row] for row in enough[index]]
        length = _batch_length(lengths[enough[index]], hyperparameters)
        augmented = augmenter.augmented(chosen, length, mean)
        rows = np.array([draw.row for draw in chosen])
        yield _clip_batch(rows, augmented, baselines.of(chosen, augmented), baselines)


def _clip_batch(
    rows: Integers, augmented: Augmented, drawn: Float32, baselines: Baselines
) -> ClipBatch:
    """Leaves out prosody of some, in the clip and in its baseline."""
    settings, random = baselines.hyperparameters, baselines.random
    spoken = random.random((len(rows), 1)) >= settings.without_prosody
    prosody = augmented.prosody * spoken[..., None]
    drawn[:, OF_PROSODY] *= spoken
    return ClipBatch(rows, augmented.frames, prosody.astype(np.float32), drawn)


def _batch_length(lengths: Integers, hyperparameters: Hyperparameters) -> int:
    """The length of a batch, from the lengths of its utterances, (B,)."""
    step = hyperparameters.length_step
    rounded = int(np.percentile(lengths, 25) + step // 2) // step * step
    return max(2 * step, min(hyperparameters.longest, rounded))
