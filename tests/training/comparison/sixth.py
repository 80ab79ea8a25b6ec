"""Two layers on pooled MFCCs: a system of a user's own, in one file."""

from torch import nn

from training.features.descriptors import Copies, Part, PooledFeatures
from training.systems.base.networks import NetworkHyperparameters, NetworkModel
from training.systems.base.system import System

HIDDEN = 8


def layers(labels: int) -> nn.Module:
    """(N, 1, 26) to logits (N, labels)."""
    return nn.Sequential(nn.Flatten(), nn.Linear(26, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, labels))


SYSTEM = System(
    name="sixth",
    title="Two layers on pooled MFCCs",
    source="a test",
    claim="none",
    features=PooledFeatures(parts=(Part(of="mfcc", count=13, statistics=("mean", "deviation")),)),
    copies=Copies(count=1, speed=0.1, noise_db=10.0),
    models=(
        NetworkModel(
            layers=layers,
            hyperparameters=NetworkHyperparameters(
                optimiser="adam", learning_rate=0.01, epochs=3, batch_size=16
            ),
        ),
    ),
)
