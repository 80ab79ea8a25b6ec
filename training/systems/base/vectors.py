"""Networks that take the mean of the MFCC frames."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from training.arrays import Float32
from training.examples import Examples
from training.features.mfcc import pool
from training.features.standardisation import Standardisation
from training.fit import Checkpoint, Optimisation, fit_all
from training.systems.base.objectives import OneVersionObjective
from training.systems.base.system import FitContext, Input, Model, parameter_count


@dataclass(frozen=True)
class VectorHyperparameters:
    """Every number of a fit."""

    epochs: int = 40  # one sees every recording once, as it is or in one of its variants
    batch_size: int = 128
    learning_rate: float = 2e-3  # its highest; it falls to zero as half a cosine
    weight_decay: float = 0.05
    dropout: float = 0.3
    label_smoothing: float = 0.1  # share of the target that is spread over all emotions
    mixup: float = 0.3  # both parameters of the Beta distribution; 0 mixes nothing
    noise: float = 0.3  # added to the vectors, in standard deviations
    average_decay: float = 0.99  # of the moving average of the weights, per step
    variants: int = 8  # copies of each recording at other speeds

    def optimisation(self) -> Optimisation:
        """What the training loop is given."""
        return Optimisation.of(self, schedule="cosine", class_weights=True)


@dataclass(frozen=True)
class FittedVectors:
    """A fitted network with the standardisation that it was fitted under."""

    network: str
    labels: tuple[str, ...]
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
            self._new_network(examples),
            inputs,
            examples.targets,
            len(examples.labels),
            self.hyperparameters.optimisation(),
            noise=self.hyperparameters.noise,
        )
        (fitted,) = fit_all([objective], context.progress, context.checkpoint)
        losses = np.array(fitted.losses, np.float32)
        if context.checkpoint:
            context.checkpoint.finish(fitted.network, losses)
        return self._fitted(examples, standardisation, fitted.network, losses)

    def load(self, examples: Examples, checkpoint: Checkpoint) -> FittedVectors:
        """What a finished fit to the same examples left."""
        network = self._new_network(examples)
        losses = checkpoint.load(network, self.epochs)
        return self._fitted(examples, Standardisation.fit(examples.features), network, losses)

    def _new_network(self, examples: Examples) -> nn.Module:
        return self.network(len(examples.labels), self.hyperparameters.dropout)

    def _fitted(
        self,
        examples: Examples,
        standardisation: Standardisation,
        network: nn.Module,
        losses: Float32,
    ) -> FittedVectors:
        return FittedVectors(
            type(network).__name__, examples.labels, standardisation, network, losses
        )
