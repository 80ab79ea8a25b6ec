"""Published results that a corpus's networks are held against."""

from dataclasses import dataclass

from training.corpora.ravdess import RAVDESS


@dataclass(frozen=True)
class Comparator:
    """A speaker-independent result of somebody else."""

    name: str
    recall: float  # or accuracy, as `source` says
    source: str  # who measured it, and how that differs from what is done here


PUBLISHED = {
    RAVDESS.name: (
        Comparator(
            "human listeners",
            0.624,
            "mean accuracy of the listeners who rated the recordings (Livingstone and Russo 2018)",
        ),
        Comparator(
            "WavLM-Large",
            0.722,
            "accuracy on the folds of the EmoBox benchmark (Ma et al. 2024, arXiv:2406.07162), "
            "which hold all 24 actors; 300 million parameters",
        ),
    )
}
