"""TCN-ensemble: the mean of three TCNs, more accurate and dearer than one."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from training.features.descriptors import VoiceFeatures
from training.frames.batches import FrameExamples
from training.frames.hyperparameters import Hyperparameters
from training.frames.objective import MemberObjective
from training.systems.base.system import FitContext, System
from training.systems.tcn import FrameModel

MEMBERS = 3
SEEDS = 1_000_000


@dataclass(frozen=True)
class EnsembleModel(FrameModel):
    """Fits the TCNs of consecutive seeds: those of seed 2 are the TCNs of the seeds 4, 5 and 6.

    Before the first seed come the last of `SEEDS`: those of seed 0 are 999,998, 999,999 and 0.
    """

    hyperparameters: Hyperparameters = field(
        default_factory=lambda: Hyperparameters(dilations=Hyperparameters().dilations * MEMBERS)
    )

    def members(self, clips: FrameExamples, context: FitContext) -> Iterator[MemberObjective]:
        """The objective of each TCN."""
        each = self.hyperparameters.dilations
        for index, dilations in enumerate(each):
            one = FrameModel(replace(self.hyperparameters, dilations=(dilations,)))
            seed = (len(each) * (context.seed - 1) + index + 1) % SEEDS
            yield from one.members(clips, replace(context, seed=seed))


SYSTEM = System(
    name="TCN-ensemble",
    title="three TCNs, whose probabilities are averaged",
    source="this project",
    claim="see models/README.md",
    features=VoiceFeatures(),
    models=(EnsembleModel(),),
    compared=False,  # on small corpora TCN-functionals is better
)
