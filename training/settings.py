"""The settings of the trainer: sections of config.ini, environment variables, or options.

The description of a setting is the help of its option.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configuration import ROOT, setting
from training.folds import FOLDS, MINIMUM_FOLDS

HYPERPARAMETERS = (
    *("epochs", "batch_size", "learning_rate", "weight_decay", "dropout", "label_smoothing"),
    *("mixup", "noise", "average_decay", "variants", "frame_epochs", "functionals_heads"),
)


@dataclass(frozen=True)
class DataSettings:
    """The folders of recordings, and of the cache."""

    corpus: tuple[str, ...] = setting(
        ("ravdess", "cremad", "nemo", "emodb-2s"),
        description="the corpora, by key or as paths of one's own; docs/corpora.md lists the keys",
    )
    source_path: Path | None = setting(
        None, description="the folder of one corpus; default: CORPORA_PATH/CORPUS"
    )
    corpora_path: Path = setting(
        ROOT.parent / "shared" / "data", description="the folder with a folder for each corpus"
    )
    cache_path: Path = setting(
        ROOT / ".cache", description="the folder of features, checkpoints and finished fits"
    )
    speaker_pattern: str | None = setting(
        None,
        description="a regular expression whose one group finds the speaker in the paths of a "
        "folder of one's own; default: none, which such a folder needs",
    )
    licence: str | None = setting(
        None,
        description="the licence of a corpus of one's own, for the network files; "
        "default: not stated",
    )

    def folder(self, key: str) -> Path:
        """The folder of a corpus."""
        return self.source_path or self.corpora_path / key


@dataclass(frozen=True)
class TrainingSettings:
    """How networks are fitted and evaluated.

    A hyperparameter that is set replaces the default of every network of the command that has it;
    the defaults are in training/systems.
    """

    epochs: int | None = setting(
        None,
        minimum=1,
        description="epochs of each fit; an epoch uses each recording once, as it is or in a "
        "variant. A network of several members has as many for each of them",
    )
    batch_size: int | None = setting(None, minimum=2, description="recordings in a step")
    learning_rate: float | None = setting(
        None, minimum=1e-7, maximum=1.0, description="the highest of the schedule"
    )
    weight_decay: float | None = setting(None, minimum=0.0, description="of AdamW")
    dropout: float | None = setting(
        None, minimum=0.0, maximum=0.95, description="share of the units that a step leaves out"
    )
    label_smoothing: float | None = setting(
        None,
        minimum=0.0,
        maximum=0.9,
        description="share of the target that is spread over all emotions",
    )
    mixup: float | None = setting(
        None, minimum=0.0, description="both parameters of the Beta distribution; 0: no mixup"
    )
    noise: float | None = setting(
        None, minimum=0.0, description="added to the vectors, in standard deviations"
    )
    average_decay: float | None = setting(
        None,
        minimum=0.0,
        maximum=0.99999,
        description="of the moving average of the weights, per step",
    )
    variants: int | None = setting(
        None, minimum=0, maximum=1000, description="copies of each recording at other speeds"
    )
    frame_epochs: int | None = setting(
        None, minimum=1, description="as --epochs, but of networks that take frames alone"
    )
    functionals_heads: int | None = setting(
        None, minimum=1, maximum=100, description="heads of TCN-functionals"
    )
    seed: int = setting(1, minimum=0, description="the seed of `fit`, and the first of `evaluate`")
    seeds: int = setting(
        3, minimum=1, maximum=100, description="evaluations, each with a seed of its own"
    )
    folds: Path | None = setting(
        None,
        description="a CSV file with a line speaker,fold for each speaker; default: made here, "
        f"{FOLDS} or as many as speakers",
    )
    controls: bool | None = setting(
        None,
        description="yes or no: evaluate on permuted labels and on a random split too; "
        "default: yes, but no of several corpora",
    )
    scheduler: str | None = setting(
        None,
        description="the address of a Dask scheduler that runs the fits; "
        "default: the cores of this machine",
    )
    device: str = setting(
        "auto",
        description="auto, cpu or cuda: where networks that take frames are fitted; "
        "auto prefers cuda",
    )
    log_dir: Path | None = setting(
        None, description="a folder for the curves of TensorBoard; default: none are written"
    )
    models_path: Path = setting(ROOT / "models", description="the folder that `export` writes to")

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """Those that are set."""
        values = {key: getattr(self, key) for key in HYPERPARAMETERS}
        return {key: value for key, value in values.items() if value is not None}


@dataclass(frozen=True)
class ComparisonSettings:
    """Which systems there are, how they are compared, and where the results go."""

    recipes_path: Path | None = setting(
        None,
        description="a folder of system files of one's own; default: those of the project alone",
    )
    output_path: Path = setting(
        ROOT / "comparison", description="the folder of tables, plots and exported systems"
    )
    epochs: int | None = setting(
        None, minimum=1, description="epochs of every network; default: those of the system"
    )
    folds: int | None = setting(
        None,
        minimum=MINIMUM_FOLDS,
        description="groups of speakers; default: leave one speaker out at a time",
    )

    @property
    def models(self) -> Path:
        """Where exported systems are."""
        return self.output_path / "models"
