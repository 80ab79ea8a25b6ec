"""Fits a frame network to which heads over functionals are added."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np

from training.examples import Examples
from training.fitting import Progress
from training.frames.network import Member
from training.functionals.fitting import FunctionalsSettings, fit_functionals
from training.functionals.network import FunctionalsNetwork, Head, MixedNetwork
from training.storage.checkpoints import Identity, read_checkpoint
from training.storage.code_digest import code_digest
from training.trainers import FRAME_CODE, FittedFrames, FrameTrainer

CODE = (*FRAME_CODE, "training.functionals")


@dataclass(frozen=True)
class MixedTrainer(FrameTrainer):
    """The frame network, its answer averaged with that of heads over functionals."""

    functionals: FunctionalsSettings = field(default_factory=FunctionalsSettings)

    @property
    def settings_of_the_fit(self) -> dict[str, Any]:
        """The frame network's, and those of the heads."""
        return {**super().settings_of_the_fit, "functionals": asdict(self.functionals)}

    def identity(self, examples: Examples) -> Identity:
        """That of the frame network, and the code of the heads."""
        return Identity(self.name, examples.digest(), code_digest(CODE), self.settings_of_the_fit)

    def _fit(self, examples: Examples, seed: int, progress: Progress) -> FittedFrames:
        fitted = super()._fit(examples, seed, progress)
        members = cast("list[Member]", list(fitted.module.members))
        heads = fit_functionals(self._frame_examples(examples), self.functionals, seed)
        return FittedFrames(MixedNetwork(members, heads).eval(), fitted.losses)

    def load(self, checkpoint: Path, examples: Examples) -> FittedFrames:
        """Reads what `fit_to` left."""
        state = read_checkpoint(checkpoint)
        self.identity(examples).check(state)
        labels, settings = len(examples.labels), self.functionals
        heads = [Head(settings.hidden, labels, settings.dropout) for _ in range(settings.heads)]
        members = [Member(member, labels) for member in self.settings.members]
        module = MixedNetwork(members, FunctionalsNetwork(heads))
        module.load_state_dict(state["module"])
        return FittedFrames(module.eval(), np.array(state["losses"], np.float32))
