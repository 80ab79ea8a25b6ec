"""What a recipe file says, and how strictly it is read."""

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from training.settings import TrainingSettings

BUILT_IN = Path(__file__).parents[1] / "recipes"

Count = Annotated[int, Meta(ge=1)]
Positive = Annotated[float, Meta(gt=0)]
Share = Annotated[float, Meta(ge=0, lt=1)]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
Text = Annotated[str, Meta(min_length=1)]


class RecipeError(ValueError):
    """A recipe that is not there or cannot be read; the message names file, key and value."""


class Strict(Struct, frozen=True, forbid_unknown_fields=True):
    """Takes no key that it does not know."""


Statistic = Literal["mean", "deviation", "minimum", "maximum", "median", "range"]
Kind = Literal["mfcc", "chroma", "mel", "log mel", "contrast", "tonnetz"]


class Part(Strict, frozen=True):
    """One kind of frames, (T, count), each of its columns pooled by each statistic."""

    of: Kind
    count: Count
    statistics: Annotated[tuple[Statistic, ...], Meta(min_length=1)] = ("mean",)


class PooledFeatures(Strict, frozen=True, tag="vector", tag_field="shape"):
    """A vector (F,): the parts one after the other."""

    parts: Annotated[tuple[Part, ...], Meta(min_length=1)]
    trim_top_db: Positive | None = None  # silence below the loudest frame that is cut off, dB


class ImageFeatures(Strict, frozen=True, tag="image", tag_field="shape"):
    """An image (bands, frames); shorter clips are repeated, longer ones cut."""

    of: Kind
    count: Count
    frames: Count
    trim_top_db: Positive | None = None


class ServedFeatures(Strict, frozen=True, tag="frames", tag_field="shape"):
    """The MFCC frames (T, 25) that the server's clients send."""


Features = PooledFeatures | ImageFeatures | ServedFeatures


class Convolution(Strict, frozen=True, tag="convolution", tag_field="layer"):
    """1-D over a vector, 2-D over an image."""

    channels: Count
    kernel: Count
    stride: Count = 1
    padding: Annotated[int, Meta(ge=0)] | None = None  # default: half the kernel


class MaxPool(Strict, frozen=True, tag="max pool", tag_field="layer"):
    """Keeps the largest of `size` neighbours in each direction."""

    size: Count
    stride: Count | None = None  # default: its size


class BatchNorm(Strict, frozen=True, tag="batch norm", tag_field="layer"):
    """Batch normalisation (Ioffe and Szegedy 2015)."""


class Relu(Strict, frozen=True, tag="relu", tag_field="layer"):
    """Rectified linear units."""


class Dropout(Strict, frozen=True, tag="dropout", tag_field="layer"):
    """Sets a share of the numbers to zero while training."""

    share: Share


class Flatten(Strict, frozen=True, tag="flatten", tag_field="layer"):
    """Channels and places in one row."""


class Dense(Strict, frozen=True, tag="dense", tag_field="layer"):
    """A fully connected layer."""

    units: Count


Layer = Convolution | MaxPool | BatchNorm | Relu | Dropout | Flatten | Dense


class LayerModel(Strict, frozen=True, tag="layers", tag_field="kind"):
    """A network; the dense layer that gives one logit an emotion follows the last layer."""

    name: Name
    layers: tuple[Layer, ...]


class LogisticRegression(Strict, frozen=True, tag="logistic regression", tag_field="kind"):
    """Multinomial, on standardised features."""

    name: Name
    inverse_penalty: Positive = 1.0  # C


class RandomForest(Strict, frozen=True, tag="random forest", tag_field="kind"):
    """Breiman 2001."""

    name: Name
    trees: Count


class GradientBoosting(Strict, frozen=True, tag="xgboost", tag_field="kind"):
    """XGBoost (Chen and Guestrin 2016); each round adds a tree for each emotion."""

    name: Name
    rounds: Count


class ProjectModel(Strict, frozen=True, tag="project", tag_field="kind"):
    """A network of this project, by its own trainer and its own augmentation."""

    name: Name
    network: Literal["CNN", "DNN", "TCN"]
    epochs: Count | None = None  # default: that of [training]
    settings: dict[str, int | float] = {}  # instead of those of [training]; msgspec copies it

    def __post_init__(self) -> None:
        """Raises ValueError where there is no such setting."""
        known = [field.name for field in dataclasses.fields(TrainingSettings)]
        for name in self.settings:
            if name not in known:
                raise ValueError(
                    f"model {self.name!r}: no setting {name!r}; known: {', '.join(known)}"
                )


Model = LayerModel | LogisticRegression | RandomForest | GradientBoosting | ProjectModel


class Augmentation(Strict, frozen=True):
    """Copies of each training clip, at other speeds and in white noise."""

    copies: Count
    speed: Share = 0.0  # faster or slower by up to this: pitch and tempo together
    noise_db: float | None = None  # the least signal-to-noise ratio; drawn up to 20 dB above it


class Training(Strict, frozen=True):
    """How layers are fitted: cross-entropy, a constant learning rate, no early stopping."""

    optimiser: Literal["adam", "adamw", "rmsprop", "sgd"]
    learning_rate: Positive
    epochs: Count  # one sees every clip and every copy of it once
    batch: Annotated[int, Meta(ge=2)]
    weight_decay: Annotated[float, Meta(ge=0)] = 0.0


Split = Literal["speaker-separated", "random"]


class Protocol(Strict, frozen=True):
    """On what it is measured."""

    splits: Annotated[tuple[Split, ...], Meta(min_length=1)] = ("speaker-separated", "random")
    seed: Annotated[int, Meta(ge=0)] = 1


class Recipe(Strict, frozen=True):
    """One system: what it hears, what it is, how it is fitted and measured."""

    title: Text
    source: Text  # where the system was published
    claim: Text  # the accuracy that was published with it, on its own protocol
    features: Features
    models: Annotated[tuple[Model, ...], Meta(min_length=1)]  # of several, inner folds choose one
    augmentation: Augmentation | None = None
    training: Training | None = None  # of models of layers
    protocol: Protocol = Protocol()

    def __post_init__(self) -> None:
        """Raises ValueError where the parts do not fit each other."""
        names = [model.name for model in self.models]
        if len(set(names)) < len(names):
            raise ValueError(f"two models have the same name; names: {', '.join(names)}")
        for model in self.models:
            if isinstance(model, LayerModel) and self.training is None:
                raise ValueError(f"model {model.name!r} has layers, and there is no [training]")
            if isinstance(model, ProjectModel) != isinstance(self.features, ServedFeatures):
                raise ValueError(
                    f"model {model.name!r}: networks of this project take features of shape "
                    "'frames', all others 'vector' or 'image'"
                )

    def with_epochs(self, epochs: int | None) -> "Recipe":
        """The same with another number of epochs, where it has any."""
        if epochs is None:
            return self
        training = self.training and msgspec.structs.replace(self.training, epochs=epochs)
        models = tuple(
            msgspec.structs.replace(model, epochs=epochs)
            if isinstance(model, ProjectModel)
            else model
            for model in self.models
        )
        return msgspec.structs.replace(self, training=training, models=models)


def read_recipe(path: Path) -> Recipe:
    """Raises RecipeError where the file cannot be read, or says what no recipe says."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Recipe)
    except OSError as error:
        raise RecipeError(f"{path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: {error}") from error


def find_recipes(folders: Iterable[Path]) -> dict[str, Path]:
    """The recipe files by name, in the order of the folders and then of the names.

    Raises:
        RecipeError: a folder is not there, or two files have one name.
    """
    found: dict[str, Path] = {}
    for folder in folders:
        if not folder.is_dir():
            raise RecipeError(f"{folder}: no such folder; [comparison] recipes_path names it")
        for path in sorted(folder.glob("*.toml")):
            first = found.setdefault(path.stem, path)
            if first is not path:
                raise RecipeError(f"{path}: {first} is a recipe of the same name")
    return found


def read_recipes(folders: Sequence[Path], wanted: str) -> dict[str, Recipe]:
    """Those that `wanted` names, separated by commas, or all.

    Raises:
        RecipeError: one is unknown or cannot be read.
    """
    found = find_recipes(folders)
    names = list(found) if wanted == "all" else [name.strip() for name in wanted.split(",")]
    for name in names:
        if name not in found:
            raise RecipeError(f"{name!r}: no such recipe; known: {', '.join(found)}, all")
    return {name: read_recipe(found[name]) for name in dict.fromkeys(names)}
