"""A folder of models whose networks were measured in different ways."""

from pathlib import Path
from typing import Any

from tests.support.models.shipped import copy_features, shipped_recipe
from tests.support.models.tiny import (
    metrics_of_corpora,
    write_frame_network,
    write_vector_network,
)


def write_measured_models(models: Path) -> None:
    """`World` of two corpora, and `Studio` of one corpus with a higher recall."""
    copy_features(models)
    shared: dict[str, Any] = {"recipe": shipped_recipe(), "distance_limit": 1000.0}
    members = ("prosody", "baseline")
    write_frame_network(models, "World", members, metrics=metrics_of_corpora(), **shared)
    one_corpus = {"protocol": "made for a test", "speakerIndependentUar": 0.7}
    write_vector_network(models, "Studio", metrics=one_corpus, **shared)
