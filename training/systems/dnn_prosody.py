"""DNN-prosody: a perceptron over mean MFCCs, prosody, and what both are in the speaker's own clips.

One network serves every client: in training, the baseline is that of 1 to 30 other clips of the
same speaker, or missing, and so may be the prosody.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from training.arrays import Float32, Integers
from training.examples import Examples
from training.features.descriptors import VoiceFeatures
from training.fitting.loop import Batch, Objective, Optimisation, fit_all
from training.storage.checkpoints import Checkpoint
from training.systems.base.system import FitContext, Input, Model, System, parameter_count
from training.voice.baseline_distance import BaselineDistance, Discriminant
from training.voice.clips import FORMS
from training.voice.offsets import FEATURES, Numbers, Offsets
from training.voice.summary import MFCCS, POOLED_PROSODY, Draw, baselines, split

HIDDEN = 128


@dataclass(frozen=True)
class VoiceHyperparameters:
    """Every number of a fit."""

    epochs: int = 120  # each uses every recording once
    batch_size: int = 128
    learning_rate: float = 2e-3  # the maximum; it falls to zero as half a cosine
    weight_decay: float = 0.05
    dropout: float = 0.3
    label_smoothing: float = 0.1  # share of the target that is spread over all emotions
    mixup: float = 0.3  # both parameters of the Beta distribution; 0 mixes nothing
    noise: float = 0.3  # added to the features, in standard deviations
    average_decay: float = 0.99  # of the moving average of the weights, per step
    most_clips: int = 30  # of a baseline
    strangers: float = 0.35  # share of the clips without a baseline
    unspoken: float = 0.3  # share of the clips without prosody

    def optimisation(self) -> Optimisation:
        """The settings of the training loop."""
        return Optimisation.of(self, schedule="cosine", class_weights=True)


def perceptron(labels: int, dropout: float) -> nn.Module:
    """FEATURES-128-128-L: features (N, FEATURES) to logits (N, L)."""
    return nn.Sequential(
        nn.Linear(FEATURES, HIDDEN),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(HIDDEN, HIDDEN),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(HIDDEN, labels),
    )


@dataclass(frozen=True)
class FittedVoice:
    """A fitted network with the features that it was fitted to."""

    offsets: Offsets
    distance: BaselineDistance
    module: nn.Module  # features (N, FEATURES) to logits (N, L); in evaluation mode
    losses: Float32  # (epochs,)

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return parameter_count(self.module)

    def logits(self, clips: Sequence[Float32]) -> Float32:
        """Rows (ROW,) of N clips, see `training.voice.summary.split`, to logits float32 (N, L)."""
        inputs = [torch.from_numpy(part) for part in split(np.stack(clips))]
        with torch.inference_mode():
            logits: Float32 = self.module(self.offsets(*inputs)).numpy()
        return logits


class VoiceObjective(Objective):
    """Each epoch uses every utterance once, with a new baseline, or without; and with noise."""

    def __init__(
        self,
        network: nn.Module,
        offsets: Offsets,
        examples: Examples,
        hyperparameters: VoiceHyperparameters,
        random: np.random.Generator,
    ) -> None:
        optimisation = hyperparameters.optimisation()
        super().__init__(network, examples, optimisation, random)
        self.offsets, self.settings = offsets, hyperparameters
        self.summaries = examples.recordings
        self.draw = Draw(examples.speakers, hyperparameters.most_clips)

    def batches(self) -> Iterator[Batch]:
        """In a new order."""
        order = self.random.permutation(len(self.summaries))
        for start in range(0, len(order), self.optimisation.batch_size):
            rows = order[start : start + self.optimisation.batch_size]
            with torch.no_grad():
                features = self.offsets(*map(torch.from_numpy, self.inputs(rows)))
            noise = self.settings.noise * torch.randn_like(features)
            yield Batch(torch.from_numpy(rows), (features + noise,))

    def inputs(self, rows: Integers) -> tuple[Float32, Float32, Float32]:
        """MFCCs (n, 25), prosody (n, P) and baselines (n, 57), some of them left out."""
        chosen, exist = self.draw.others(rows, self.random)
        most = np.log(self.settings.most_clips + 1)
        counts = np.exp(self.random.uniform(0, most, len(rows))).astype(np.int64)
        counts[self.random.random(len(rows)) < self.settings.strangers] = 0
        taken = exist & (np.arange(chosen.shape[1]) < counts[:, None])
        baseline = baselines(self.summaries[chosen], taken)
        spoken = self.random.random((len(rows), 1)) >= self.settings.unspoken
        summaries = self.summaries[rows]
        return summaries[:, MFCCS], summaries[:, POOLED_PROSODY] * spoken, baseline


@dataclass(frozen=True, kw_only=True)
class VoiceModel(Model):
    """Fits the perceptron."""

    hyperparameters: VoiceHyperparameters
    input: Input = "vector"
    modules: tuple[str, ...] = ("training.voice", "training.features.recordings.statistics")
    forms: tuple[str, ...] = tuple(FORMS)

    def fit(self, examples: Examples, context: FitContext) -> FittedVoice:
        """Takes seconds to a minute."""
        torch.manual_seed(context.seed)
        objective = VoiceObjective(
            self._network(examples),
            self._offsets(examples),
            examples,
            self.hyperparameters,
            np.random.default_rng(context.seed),
        )
        (fitted,) = fit_all([objective], context.progress, context.checkpoint)
        losses = np.array(fitted.losses, np.float32)
        if context.checkpoint:
            context.checkpoint.finish(fitted.network, losses)
        return self._fitted(examples, fitted.network, losses)

    def load(self, examples: Examples, checkpoint: Checkpoint) -> FittedVoice:
        """The network of a finished fit to the same examples."""
        network = self._network(examples)
        losses = checkpoint.load(network, self.epochs)
        return self._fitted(examples, network, losses)

    def _fitted(self, examples: Examples, network: nn.Module, losses: Float32) -> FittedVoice:
        discriminant = Discriminant.fit(examples.recordings, examples.speakers)
        distance = BaselineDistance(discriminant).eval()
        return FittedVoice(self._offsets(examples), distance, network, losses)

    def _network(self, examples: Examples) -> nn.Module:
        return perceptron(len(examples.labels), self.hyperparameters.dropout)

    def _offsets(self, examples: Examples) -> Offsets:
        return Offsets(Numbers.fit(examples.recordings, examples.speakers)).eval()


SYSTEM = System(
    name="DNN-prosody",
    title="DNN on the mean MFCCs, prosody and the speaker's own clips",
    source="this project",
    claim="see models/README.md",
    features=VoiceFeatures(),
    models=(VoiceModel(hyperparameters=VoiceHyperparameters()),),
    shipped=True,
    compared=False,
)
