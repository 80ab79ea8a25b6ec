"""AlexNet (Krizhevsky et al. 2012) on mel spectrograms.

Its convolutions are as published. Its two hidden dense layers have 1,024 units, not 4,096, as the
image is a fifth of the published size. It starts from random weights.
"""

from torch import nn

from training.features.descriptors import ImageFeatures
from training.systems.base.networks import NetworkHyperparameters, NetworkModel
from training.systems.base.system import System

FEATURES = ImageFeatures(of="log mel", count=128, frames=87)  # 2 s

HYPERPARAMETERS = NetworkHyperparameters(
    optimiser="adam",
    learning_rate=0.0003,
    epochs=10,  # as the public system; its loss still falls: compare --epochs 40 takes it further
    batch_size=32,
)


def layers(labels: int) -> nn.Module:
    """(N, 1, 128, 87) to logits (N, labels)."""
    return nn.Sequential(  # (batch, channels, bands, frames)
        nn.Conv2d(1, 64, kernel_size=11, stride=4, padding=2),  # to 31 x 20
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2),  # to 15 x 9
        nn.Conv2d(64, 192, kernel_size=5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2),  # to 7 x 4
        nn.Conv2d(192, 384, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.Conv2d(384, 256, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.Conv2d(256, 256, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2),  # to 3 x 1
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(256 * 3 * 1, 1024),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(1024, 1024),
        nn.ReLU(),
        nn.Linear(1024, labels),
    )


SYSTEM = System(
    name="alexnet-mel",
    title="AlexNet on mel spectrograms",
    source="public system; network: Krizhevsky, Sutskever, Hinton (2012)",
    claim="0.70 validation accuracy; random split",
    features=FEATURES,
    models=(NetworkModel(layers=layers, hyperparameters=HYPERPARAMETERS),),
)
