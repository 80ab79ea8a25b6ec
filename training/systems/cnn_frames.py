"""A 2-D convolutional network on MFCC frames."""

from torch import nn

from training.features.descriptors import ImageFeatures
from training.systems.base.networks import NetworkHyperparameters, NetworkModel
from training.systems.base.system import System

FEATURES = ImageFeatures(of="mfcc", count=40, frames=87)  # 2 s

HYPERPARAMETERS = NetworkHyperparameters(
    optimiser="adam",
    learning_rate=0.0005,
    epochs=20,  # in the public system the caller chooses: compare --epochs 40
    batch_size=32,
)


def layers(labels: int) -> nn.Module:
    """(N, 1, 40, 87) to logits (N, labels)."""
    return nn.Sequential(  # (batch, channels, coefficients, frames)
        *_block(1, 32),  # to 20 x 43
        *_block(32, 64),  # to 10 x 21
        *_block(64, 64),  # to 5 x 10
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(64 * 5 * 10, 128),
        nn.ReLU(),
        nn.Linear(128, labels),
    )


def _block(channels_in: int, channels_out: int) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(channels_in, channels_out, kernel_size=3, padding=1),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
        nn.MaxPool2d(2),
    )


SYSTEM = System(
    name="cnn-frames",
    title="2-D CNN on MFCC frames",
    source="public system, unpublished",
    claim="none",
    features=FEATURES,
    models=(NetworkModel(layers=layers, hyperparameters=HYPERPARAMETERS),),
)
