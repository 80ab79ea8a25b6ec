"""What a trainer can set: `[data]` and `[training]` of config.ini, or an option of the command."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from configuration import ROOT, setting

NOT_OF_THE_FIT = (
    *("frame_epochs", "functionals_heads", "seeds", "folds"),
    *("controls", "scheduler", "models_path"),
)


@dataclass(frozen=True)
class DataSettings:
    """Where recordings are read from and what was made of them is kept."""

    corpus: str = "ravdess"
    source_path: Path | None = None  # default: the folder of the corpus's name in `corpora_path`
    corpora_path: Path = ROOT.parent / "shared" / "data"
    cache_path: Path = ROOT / ".cache"

    @property
    def recordings(self) -> Path:
        """The folder of the corpus."""
        return self.source_path or self.corpora_path / self.corpus


@dataclass(frozen=True)
class TrainingSettings:
    """How a network is fitted; the same for every network, and for every fold."""

    epochs: int = setting(40, minimum=1)  # one epoch sees every recording once, in one variant
    batch_size: int = setting(128, minimum=2)
    learning_rate: float = setting(2e-3, minimum=1e-7, maximum=1.0)
    weight_decay: float = setting(0.05, minimum=0.0)
    dropout: float = setting(0.3, minimum=0.0, maximum=0.95)
    label_smoothing: float = setting(0.1, minimum=0.0, maximum=0.9)
    mixup: float = setting(0.3, minimum=0.0)  # alpha of the beta distribution; 0 is off
    noise: float = setting(0.3, minimum=0.0)  # on the vectors, in standard deviations
    average_decay: float = setting(0.99, minimum=0.0, maximum=0.99999)  # of the weights, per step
    variants: int = setting(8, minimum=0, maximum=1000)  # augmented copies of each recording
    frame_epochs: int | None = setting(None, minimum=1)  # of frame networks; default: their own
    functionals_heads: int = setting(0, minimum=0, maximum=100)  # added to frame networks
    seed: int = setting(1, minimum=0)
    seeds: int = setting(3, minimum=1, maximum=100)  # evaluations, of which `seed` is the first
    folds: Path | None = None  # a CSV file: speaker,fold; default: made here
    controls: bool = True  # also evaluate on permuted labels and on a random split
    scheduler: str | None = None  # address of a Dask scheduler; default: this machine's cores
    models_path: Path = ROOT / "models"  # `export` writes there

    def of_the_fit(self) -> dict[str, Any]:
        """What the fit of a vector network depends on, the seed among it."""
        return {key: value for key, value in asdict(self).items() if key not in NOT_OF_THE_FIT}
