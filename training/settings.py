"""The settings of the trainer: sections of config.ini, environment variables, or options."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configuration import ROOT, setting
from training.folds import MINIMUM_FOLDS

HYPERPARAMETERS = (
    *("epochs", "batch_size", "learning_rate", "weight_decay", "dropout", "label_smoothing"),
    *("mixup", "noise", "average_decay", "variants", "frame_epochs", "functionals_heads"),
)


@dataclass(frozen=True)
class DataSettings:
    """The folders of recordings, and of the cache."""

    corpus: tuple[str, ...] = ("ravdess", "cremad", "nemo", "emodb-2s")  # or paths of one's own
    source_path: Path | None = None  # default: the folder of the corpus's name in `corpora_path`
    corpora_path: Path = ROOT.parent / "shared" / "data"
    cache_path: Path = ROOT / ".cache"
    speaker_pattern: str | None = None  # finds the speaker in the paths of a folder of one's own
    licence: str | None = None  # of a corpus of one's own, for the model card

    def folder(self, key: str) -> Path:
        """The folder of a corpus."""
        return self.source_path or self.corpora_path / key


@dataclass(frozen=True)
class TrainingSettings:
    """How networks are fitted and evaluated.

    A hyperparameter that is set replaces the default of every network of the command that has it;
    the defaults are in training/systems.
    """

    epochs: int | None = setting(None, minimum=1)
    batch_size: int | None = setting(None, minimum=2)
    learning_rate: float | None = setting(None, minimum=1e-7, maximum=1.0)  # maximum
    weight_decay: float | None = setting(None, minimum=0.0)
    dropout: float | None = setting(None, minimum=0.0, maximum=0.95)
    label_smoothing: float | None = setting(None, minimum=0.0, maximum=0.9)
    mixup: float | None = setting(None, minimum=0.0)  # alpha of the beta distribution; 0 is off
    noise: float | None = setting(None, minimum=0.0)  # on the vectors, in standard deviations
    average_decay: float | None = setting(None, minimum=0.0, maximum=0.99999)  # per step
    variants: int | None = setting(None, minimum=0, maximum=1000)  # copies of each recording
    frame_epochs: int | None = setting(None, minimum=1)  # of networks that take frames
    functionals_heads: int | None = setting(None, minimum=1, maximum=100)
    seed: int = setting(1, minimum=0)
    seeds: int = setting(3, minimum=1, maximum=100)  # evaluations, of which `seed` is the first
    folds: Path | None = None  # a CSV file: speaker,fold; default: made here
    # Also evaluate on permuted labels and on a random split; default: of one corpus alone.
    controls: bool | None = None
    scheduler: str | None = None  # address of a Dask scheduler; default: this machine's cores
    models_path: Path = ROOT / "models"  # `export` writes there

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """Those that are set."""
        values = {key: getattr(self, key) for key in HYPERPARAMETERS}
        return {key: value for key, value in values.items() if value is not None}


@dataclass(frozen=True)
class ComparisonSettings:
    """Which systems there are, how they are compared, and where the results go."""

    recipes_path: Path | None = None  # a folder of system files, beside those of the project
    output_path: Path = ROOT / "comparison"
    epochs: int | None = setting(None, minimum=1)  # of every network; default: the system's own
    folds: int | None = setting(None, minimum=MINIMUM_FOLDS)  # default: leave one speaker out

    @property
    def models(self) -> Path:
        """Where exported systems are."""
        return self.output_path / "models"
