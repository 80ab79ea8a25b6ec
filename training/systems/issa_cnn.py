"""The 1-D convolutional network over 193 pooled features, after Issa et al. (2020)."""

from torch import nn

from training.features.descriptors import Copies, Part, PooledFeatures
from training.systems.base.networks import NetworkHyperparameters, NetworkModel
from training.systems.base.system import System

FEATURES = PooledFeatures(  # the mean of each
    parts=(
        Part(of="mfcc", count=40),
        Part(of="chroma", count=12),
        Part(of="mel", count=128),
        Part(of="contrast", count=7),
        Part(of="tonnetz", count=6),
    )
)
WIDTH = sum(part.count for part in FEATURES.parts)  # 193

HYPERPARAMETERS = NetworkHyperparameters(
    optimiser="rmsprop",
    # The paper trains at 0.00001 for hundreds of epochs. Within 10 such a rate hardly changes the
    # weights, so it is higher here.
    learning_rate=0.0001,
    epochs=10,  # as the public service that grew from the paper
    batch_size=16,
)


def layers(labels: int) -> nn.Module:
    """(N, 1, 193) to logits (N, labels)."""
    return nn.Sequential(  # (batch, channels, features)
        _convolution(1, 256),
        nn.BatchNorm1d(256),
        nn.ReLU(),
        _convolution(256, 128),
        nn.ReLU(),
        nn.Dropout(0.1),
        nn.BatchNorm1d(128),
        nn.MaxPool1d(8),
        _convolution(128, 128),
        nn.ReLU(),
        _convolution(128, 128),
        nn.ReLU(),
        _convolution(128, 128),
        nn.BatchNorm1d(128),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Flatten(),
        nn.Linear(128 * (WIDTH // 8), labels),
    )


def _convolution(channels_in: int, channels_out: int) -> nn.Conv1d:
    return nn.Conv1d(channels_in, channels_out, kernel_size=5, padding=2)


SYSTEM = System(
    name="issa-cnn",
    title="CNN on 193 pooled features",
    source="Issa, Demirci, Yazici (2020), Biomedical Signal Processing and Control 59, 101894",
    claim="86.1 % on EmoDB, 71.6 % on RAVDESS; random split",
    features=FEATURES,
    copies=Copies(count=2, speed=0.1, noise_db=15.0),
    models=(NetworkModel(layers=layers, hyperparameters=HYPERPARAMETERS),),
)
