"""How often human listeners hear the emotion that was meant."""

from training.corpora.cremad import Cremad
from training.corpora.ravdess import RAVDESS

LISTENERS = {RAVDESS.name: 0.624, Cremad.name: 0.42}  # by name of the corpus
SOURCES = {
    RAVDESS.name: (
        "mean accuracy of the listeners who rated the recordings (Livingstone and Russo 2018)"
    ),
    Cremad.name: (
        "share of the clips in whose voice most listeners heard the emotion that was meant "
        "(Cao et al. 2014)"
    ),
}
