"""Networks over features of their own: pooled descriptors or images."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.export import Dim

from training.arrays import Float32
from training.examples import Examples
from training.export.onnx_file import graph_of
from training.fitting.loop import OPTIMISERS, Batch, Objective, Optimisation, Optimiser, fit_all
from training.systems.base.system import FitContext, Model, UnusableSystemError, parameter_count

INPUT = "features"  # the name of the graph's input
CLIP = 20.0  # standard deviations
CLIPS_AT_ONCE = 64  # clips


@dataclass(frozen=True, kw_only=True)
class NetworkHyperparameters:
    """Every number of a fit: cross-entropy, a constant learning rate, no early stopping."""

    optimiser: Optimiser
    learning_rate: float
    epochs: int  # each uses every clip and every copy of it once
    batch_size: int
    weight_decay: float = 0.0

    def optimisation(self) -> Optimisation:
        """The settings of the training loop."""
        return Optimisation.of(self)


class StandardisedNetwork(nn.Module):
    """Standardisation, then a system's own layers: features (N, ...) to logits (N, L)."""

    mean: Tensor
    scale: Tensor

    def __init__(self, layers: nn.Module, features: Float32) -> None:
        """`features` (n, ...) set the standardisation, of each band of an image by itself."""
        super().__init__()
        across = (0, *range(2, features.ndim))  # all but the features, or the bands of an image
        mean = features.mean(axis=across, dtype=np.float64, keepdims=True)
        scale = np.maximum(features.std(axis=across, dtype=np.float64, keepdims=True), 1e-6)
        self.register_buffer("mean", torch.tensor(mean[0], dtype=torch.float32))
        self.register_buffer("scale", torch.tensor(scale[0], dtype=torch.float32))
        self.layers = layers

    def forward(self, features: Tensor) -> Tensor:
        """(N, ...) to logits (N, L); the layers take one channel, (N, 1, ...)."""
        x = ((features - self.mean) / self.scale).clamp(-CLIP, CLIP)
        logits: Tensor = self.layers(x.unsqueeze(1))
        return logits


@dataclass(frozen=True)
class FittedNetwork:
    """A fitted network."""

    module: StandardisedNetwork  # in evaluation mode
    losses: Float32  # (epochs,)
    shape: tuple[int, ...]  # of the features of a clip

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return parameter_count(self.module)

    def logits(self, clips: Sequence[Float32]) -> Float32:
        """Features of N clips to logits float32 (N, L)."""
        starts = range(0, len(clips), CLIPS_AT_ONCE)
        parts = [np.stack(clips[start : start + CLIPS_AT_ONCE]) for start in starts]
        with torch.inference_mode():
            return torch.cat([self.module(torch.tensor(part)) for part in parts]).numpy()

    def graph(self) -> onnx.ModelProto:
        """Features (N, ...) to `probabilities` (N, L)."""
        module = nn.Sequential(self.module, nn.Softmax(dim=1)).eval()
        example = {INPUT: torch.zeros(2, *self.shape)}
        return graph_of(module, example, ["probabilities"], ({0: Dim("N")},))


class EveryVersionObjective(Objective):
    """Each epoch uses every row once; an augmented copy is a separate row."""

    def __init__(
        self,
        network: nn.Module,
        examples: Examples,
        optimisation: Optimisation,
    ) -> None:
        versions = examples.features.shape[1]
        rows = np.repeat(np.arange(len(examples.targets)), versions)
        super().__init__(network, examples.where(rows), optimisation)
        self.inputs = torch.tensor(examples.features).flatten(end_dim=1)

    def batches(self) -> Iterator[Batch]:
        """In a new order, in batches of about one size: a batch of one has no variance."""
        order = torch.randperm(len(self.inputs))
        count = max(1, -(-len(order) // self.optimisation.batch_size))
        return (Batch(rows, (self.inputs[rows],)) for rows in order.tensor_split(count))


@dataclass(frozen=True, kw_only=True)
class NetworkModel(Model):
    """Fits a network to features and their augmented copies."""

    hyperparameters: NetworkHyperparameters
    layers: Callable[[int], nn.Module]  # from the number of emotions: (N, 1, ...) to logits (N, L)

    def check(self, examples: Examples) -> None:
        """Raises UnusableSystemError where the layers do not take such features."""
        labels = len(examples.labels)
        if self.hyperparameters.optimiser not in OPTIMISERS:
            raise UnusableSystemError(
                f"optimiser {self.hyperparameters.optimiser!r}; expected {', '.join(OPTIMISERS)}"
            )
        try:
            network = StandardisedNetwork(self.layers(labels), examples.features[:2, 0]).eval()
            with torch.inference_mode():
                logits = network(torch.zeros(2, *examples.features.shape[2:]))
        except (AttributeError, RuntimeError, TypeError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            shape = examples.features.shape[2:]
            raise UnusableSystemError(
                f"the layers cannot take features of shape {shape}: {reason}"
            ) from error
        if logits.shape != (2, labels):
            raise UnusableSystemError(
                f"the layers give {tuple(logits.shape[1:])} numbers a clip; expected {labels}"
            )

    def fit(self, examples: Examples, context: FitContext) -> FittedNetwork:
        """Raises FitError where the loss is not finite."""
        torch.manual_seed(context.seed)
        shape = examples.features.shape[2:]
        rows = examples.features.reshape(-1, *shape)
        network = StandardisedNetwork(self.layers(len(examples.labels)), rows)
        objective = EveryVersionObjective(network, examples, self.hyperparameters.optimisation())
        (fitted,) = fit_all([objective], context.progress, context.checkpoint)
        return FittedNetwork(network.eval(), np.array(fitted.losses, np.float32), shape)
