"""What can be set about a comparison: `[comparison]` of config.ini, or an option."""

from dataclasses import dataclass
from pathlib import Path

from configuration import ROOT, setting
from training.comparison.declaration import BUILT_IN
from training.folds import MINIMUM_FOLDS


@dataclass(frozen=True)
class ComparisonSettings:
    """Which recipes there are, how they are measured, and where the results go."""

    recipes_path: Path | None = None  # a folder of recipe files, beside those of the project
    output_path: Path = ROOT / "comparison"
    epochs: int | None = setting(None, minimum=1)  # of every network; default: the recipe's own
    folds: int | None = setting(None, minimum=MINIMUM_FOLDS)  # default: leave one speaker out

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where recipe files are looked for."""
        return (BUILT_IN, self.recipes_path) if self.recipes_path else (BUILT_IN,)

    @property
    def models(self) -> Path:
        """Where exported recipes are."""
        return self.output_path / "models"
