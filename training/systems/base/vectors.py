"""Networks that take the mean of the MFCC frames."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from training.arrays import Float32
from training.examples import Examples
from training.features.mfcc import pool
from training.features.standardisation import Standardisation
from training.fitting.loop import Batch, Objective, Optimisation, fit_all
from training.storage.checkpoints import Checkpoint
from training.systems.base.system import FitContext, Input, Model, parameter_count


@dataclass(frozen=True)
class VectorHyperparameters:
    """Every number of a fit."""

    epochs: int = 40  # each uses every recording once, as it is or in one of its variants
    batch_size: int = 128
    learning_rate: float = 2e-3  # the maximum; it falls to zero as half a cosine
    weight_decay: float = 0.05
    dropout: float = 0.3
    label_smoothing: float = 0.1  # share of the target that is spread over all emotions
    mixup: float = 0.3  # both parameters of the Beta distribution; 0 mixes nothing
    noise: float = 0.3  # added to the vectors, in standard deviations
    average_decay: float = 0.99  # of the moving average of the weights, per step
    variants: int = 8  # copies of each recording at other speeds

    def optimisation(self) -> Optimisation:
        """The settings of the training loop."""
        return Optimisation.of(self, schedule="cosine", class_weights=True)


@dataclass(frozen=True)
class FittedVectors:
    """A fitted network with the standardisation that it was fitted under."""

    standardisation: Standardisation
    module: nn.Module  # standardised vectors (N, 25) to logits (N, L); in evaluation mode
    losses: Float32  # (epochs,)

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return parameter_count(self.module)

    def logits(self, clips: Sequence[Float32]) -> Float32:
        """Frames of N clips, float32 (T, 25) each, to logits float32 (N, L)."""
        return self.logits_of_vectors(np.stack([pool(frames) for frames in clips]))

    def logits_of_vectors(self, vectors: Float32) -> Float32:
        """Vectors float32 (N, 25), not standardised, to logits float32 (N, L)."""
        with torch.inference_mode():
            standardised = torch.from_numpy(self.standardisation.apply(vectors))
            logits: Float32 = self.module(standardised).numpy()
        return logits


class OneVersionObjective(Objective):
    """Each epoch uses every utterance once, in one of its versions and with noise."""

    def __init__(
        self,
        network: nn.Module,
        inputs: Tensor,  # (N, versions, F)
        examples: Examples,
        optimisation: Optimisation,
        *,
        noise: float,  # standard deviation of the noise that is added to the inputs
    ) -> None:
        super().__init__(network, examples, optimisation)
        self.inputs, self.noise = inputs, noise

    def batches(self) -> Iterator[Batch]:
        """In a new order."""
        order = torch.randperm(len(self.inputs))
        for rows in torch.split(order, self.optimisation.batch_size):
            versions = torch.randint(self.inputs.shape[1], (len(rows),))
            inputs = self.inputs[rows, versions]
            yield Batch(rows, (inputs + self.noise * torch.randn_like(inputs),))


@dataclass(frozen=True, kw_only=True)
class VectorModel(Model):
    """Fits a network to standardised vectors."""

    hyperparameters: VectorHyperparameters
    network: Callable[[int, float], nn.Module]  # from the number of emotions, and dropout
    input: Input = "vector"
    modules: tuple[str, ...] = ("training.features.standardisation",)

    def fit(self, examples: Examples, context: FitContext) -> FittedVectors:
        """Takes seconds to a minute."""
        torch.manual_seed(context.seed)
        standardisation = Standardisation.fit(examples.features)
        inputs = torch.from_numpy(standardisation.apply(examples.features))
        objective = OneVersionObjective(
            self._network(examples),
            inputs,
            examples,
            self.hyperparameters.optimisation(),
            noise=self.hyperparameters.noise,
        )
        (fitted,) = fit_all([objective], context.progress, context.checkpoint)
        losses = np.array(fitted.losses, np.float32)
        if context.checkpoint:
            context.checkpoint.finish(fitted.network, losses)
        return FittedVectors(standardisation, fitted.network, losses)

    def load(self, examples: Examples, checkpoint: Checkpoint) -> FittedVectors:
        """The network of a finished fit to the same examples."""
        network = self._network(examples)
        losses = checkpoint.load(network, self.epochs)
        return FittedVectors(Standardisation.fit(examples.features), network, losses)

    def _network(self, examples: Examples) -> nn.Module:
        """The network before its fit."""
        return self.network(len(examples.labels), self.hyperparameters.dropout)
