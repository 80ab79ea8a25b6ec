"""The declaration of a system: its features, its models, and facts about it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from torch import nn

from training.arrays import Float32
from training.audio.real_noise import RealNoises
from training.audio.spectra import SpectraCache
from training.errors import UserError
from training.examples import Examples
from training.features.cache import FeatureCache
from training.features.descriptors import Copies, Features
from training.features.recipe import RECIPE
from training.fitting.loop import Progress
from training.settings import HYPERPARAMETERS
from training.storage.checkpoints import Checkpoint
from training.storage.scheduling import Scheduler
from training.voice.prosody import prosody_cache

Input = Literal["vector", "frames", "features"]  # pooled MFCCs, their frames, or the system's own
Split = Literal["speaker-separated", "random"]
SPEAKER_SEPARATED: Split = "speaker-separated"
RANDOM: Split = "random"
Recordings = Mapping[str, Path]  # by the hash of their content


class HyperparameterError(UserError):
    """A hyperparameter that a network does not have; the message names key, value and network."""


class UnusableSystemError(UserError):
    """A system that is missing or cannot be used; the message names its file and the reason."""


@dataclass(frozen=True)
class Caches:
    """The features on disk that fits read."""

    features: FeatureCache  # MFCC frames
    prosody: FeatureCache  # on the grid of the frames
    spectra: SpectraCache
    descriptors: Path  # the folder of all other features
    noises: RealNoises = field(default_factory=RealNoises)  # that training adds

    @classmethod
    def under(cls, directory: Path, noises: RealNoises | None = None) -> "Caches":
        """Each in a folder of its own."""
        return cls(
            features=FeatureCache(directory / "features" / f"mfcc-{RECIPE.digest()}"),
            prosody=prosody_cache(directory / "features"),
            spectra=SpectraCache(directory / "spectra"),
            descriptors=directory / "descriptors",
            noises=noises or RealNoises(),
        )


@dataclass(frozen=True)
class FitContext:
    """The arguments of a fit besides its examples."""

    seed: int
    caches: Caches
    progress: Progress = lambda _epoch, _loss: None
    checkpoint: Checkpoint | None = None


class Fitted(Protocol):
    """A fitted model."""

    @property
    def losses(self) -> Float32:
        """The mean loss of each epoch; empty where the model has no epochs."""
        ...

    @property
    def parameters(self) -> int:
        """Numbers that were fitted; of trees, their nodes."""
        ...

    def logits(self, clips: Sequence[Float32]) -> Float32:
        """Features of N clips to logits or log-probabilities, float32 (N, L).

        Where the system's features are the server's, a clip is its frames, float32 (T, 25).
        """
        ...


@dataclass(frozen=True)
class Model(ABC):
    """Something that can be fitted to examples."""

    hyperparameters: Any  # a frozen dataclass
    name: str = ""  # where a system has several models

    input: Input = "features"
    modules: tuple[str, ...] = ()  # whose code a fit depends on, beside the system file
    forms: tuple[str, ...] = ()  # of requests that it is measured with, beside MFCCs alone

    @property
    def epochs(self) -> int:
        """Steps of progress in one fit."""
        return int(self.hyperparameters.epochs)

    def settings(self, caches: Caches) -> dict[str, Any]:  # noqa: ARG002  # for those that need it
        """Every number that a fit depends on, but the seed."""
        return asdict(self.hyperparameters)

    def prepare(self, recordings: Recordings, caches: Caches, scheduler: Scheduler) -> None:  # noqa: B027
        """Updates caches that only this model reads."""

    def check(self, examples: Examples) -> None:  # noqa: B027
        """Raises UnusableSystemError where the model cannot take such features."""

    @abstractmethod
    def fit(self, examples: Examples, context: FitContext) -> Fitted:
        """The same examples and seed give the same model; raises FitError where it diverges."""

    def load(self, examples: Examples, checkpoint: Checkpoint) -> Fitted:
        """The model of a finished fit; raises CheckpointError where there is none."""
        raise NotImplementedError(f"{type(self).__name__} keeps no checkpoint")


AnyModel = TypeVar("AnyModel", bound=Model)


@dataclass(frozen=True)
class System:
    """One way to recognise emotions: features of clips, and models that are fitted to them."""

    name: str  # network files are named after it
    title: str
    source: str  # where it was published
    claim: str  # the accuracy that was published with it, on its own protocol
    features: Features
    models: tuple[Model, ...]  # of several, inner folds choose one
    copies: Copies | None = None  # augmented copies that it is fitted to as well
    splits: tuple[Split, ...] = (SPEAKER_SEPARATED, RANDOM)  # that it is compared on
    seed: int = 1  # of the comparison
    compared_with: Mapping[str, Any] | None = None  # hyperparameters that the comparison changes
    shipped: bool = False  # whether it is one of `--network all`
    compared: bool = True  # whether it is one of `--recipes all`
    module: str = ""  # of its file, whose code a fit depends on; the registry sets it

    @property
    def model(self) -> Model:
        """The first of its models."""
        return self.models[0]

    @property
    def deployable(self) -> bool:
        """Whether the server can serve it: its features are those that clients send."""
        return self.model.input != "features"

    def has(self, hyperparameter: str) -> bool:
        """Whether a setting of that name replaces a hyperparameter of each of its models."""
        return all(_field(model, hyperparameter) for model in self.models)

    def with_hyperparameters(self, values: Mapping[str, Any]) -> "System":
        """The same system with other values of its hyperparameters.

        Raises:
            HyperparameterError: it has no such hyperparameter.
        """
        models = tuple(_overridden(model, values, self.name) for model in self.models)
        return replace(self, models=models)

    def with_epochs(self, epochs: int) -> "System":
        """The same system with another number of epochs, of the models that have epochs."""
        models = (
            _overridden(model, {"epochs": epochs}, self.name) if _field(model, "epochs") else model
            for model in self.models
        )
        return replace(self, models=tuple(models))


def _overridden(model: AnyModel, values: Mapping[str, Any], system: str) -> AnyModel:
    changed = {}
    for key, value in values.items():
        field = _field(model, key)
        if field is None:
            known = ", ".join(key for key in HYPERPARAMETERS if _field(model, key))
            raise HyperparameterError(
                f"{key} = {value}: {system} has no such hyperparameter; it has {known or 'none'}"
            )
        changed[field] = value
    return replace(model, hyperparameters=replace(model.hyperparameters, **changed))


def _field(model: Model, key: str) -> str | None:
    """The field of the model's hyperparameters that a setting replaces, if there is one."""
    name = "epochs" if key == "frame_epochs" and model.input == "frames" else key
    return name if name in {field.name for field in fields(model.hyperparameters)} else None


def parameter_count(module: nn.Module) -> int:
    """Weights and biases."""
    return sum(parameter.numel() for parameter in module.parameters())
