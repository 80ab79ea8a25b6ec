"""Batches of arrays that are held in memory: what all networks but frame networks are fitted to."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from training.arrays import Integers
from training.fit import Batch, Objective, Optimisation


class OneVersionObjective(Objective):
    """Each epoch shows every utterance once, in one of its versions and with noise."""

    def __init__(
        self,
        network: nn.Module,
        inputs: Tensor,  # (N, versions, F)
        targets: Integers,  # (N,)
        labels: int,
        optimisation: Optimisation,
        *,
        noise: float,  # standard deviation of what is added to the inputs
    ) -> None:
        super().__init__(network, targets, labels, optimisation)
        self.inputs, self.noise = inputs, noise

    def batches(self) -> Iterator[Batch]:
        """In a new order."""
        order = torch.randperm(len(self.inputs))
        for rows in torch.split(order, self.optimisation.batch_size):
            versions = torch.randint(self.inputs.shape[1], (len(rows),))
            inputs = self.inputs[rows, versions]
            yield Batch(rows, inputs + self.noise * torch.randn_like(inputs))


class EveryVersionObjective(Objective):
    """Each epoch shows every row once; an augmented copy is a row of its own."""

    def __init__(
        self,
        network: nn.Module,
        inputs: Tensor,  # (N, ...)
        targets: Integers,  # (N,)
        labels: int,
        optimisation: Optimisation,
    ) -> None:
        super().__init__(network, targets, labels, optimisation)
        self.inputs = inputs

    def batches(self) -> Iterator[Batch]:
        """In a new order, in batches of about one size: a batch of one has no variance."""
        order = torch.randperm(len(self.inputs))
        count = max(1, -(-len(order) // self.optimisation.batch_size))
        return (Batch(rows, self.inputs[rows]) for rows in order.tensor_split(count))
