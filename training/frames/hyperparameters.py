"""Every number of a frame network and of its fit."""

from dataclasses import dataclass, field

from training.audio.augmentation import FrameAugmentation
from training.fitting.loop import Optimisation


@dataclass(frozen=True)
class Hyperparameters:
    """The defaults are those of `TCN`."""

    # Members with different receptive fields make different errors, which averaging cancels.
    dilations: tuple[tuple[int, ...], ...] = ((1, 2, 4),)  # of each member
    channels: int = 64
    kernel: int = 3
    squeeze: int = 8  # the bottleneck of squeeze-excitation is channels / squeeze
    attention: int = 48  # hidden units of the pooling's attention
    dropout: float = 0.3  # before the output layer
    block_dropout: float = 0.1  # whole channels of a residual branch
    speech_margin: float = 18.0  # dB below the loudest frame where a frame counts as half speech
    speech_slope: float = 3.0  # dB; width of that soft threshold

    # The fit: a fixed number of epochs, averaged weights, no early stopping.
    epochs: int = 96  # each uses every recording once, in one variant
    batch_size: int = 32
    learning_rate: float = 3e-3  # the maximum of the schedule
    warm_up: float = 0.15  # share of the steps
    weight_decay: float = 0.05  # on matrices and kernels alone
    gradient_norm: float = 5.0
    average_decay: float = 0.99  # of the moving average of the weights, per step
    label_smoothing: float = 0.1  # share of the target that is spread over the corpus's emotions
    mixup: float = 0.3  # both parameters of the Beta distribution
    mixup_share: float = 0.7  # of the batches

    # Auxiliary tasks: the weight of each cross-entropy beside the emotion's 1.
    intensity: float = 0.3  # normal or strong
    sex: float = 0.3
    statement: float = 0.2  # adversarial: the embedding must not depend on the words

    # What clients may leave out: shares of the clips.
    without_prosody: float = 0.3
    without_baseline: float = 0.5
    most_clips: int = 30  # of a baseline

    # Batches of one length each: little is cropped, nothing is padded.
    longest: int = 80  # frames; longer utterances are cropped at random
    length_step: int = 8  # lengths are multiples of it: few shapes, so kernels are reused
    disorder: float = 0.06  # of the lengths' logarithm: the neighbours in a batch change

    augmentation: FrameAugmentation = field(default_factory=FrameAugmentation)

    def optimisation(self) -> Optimisation:
        """The settings of the training loop."""
        return Optimisation.of(
            self,
            schedule="one cycle",
            decay_vectors=False,
            class_weights=True,
            mixup_of="batches",
            accelerator=True,
        )
