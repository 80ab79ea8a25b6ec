"""What a client must compute, read from the extractor that the models were trained with."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from server.onnx_files import ModelFileError, open_model

EXTRACTOR_NAME = "mfcc.onnx"
EXTRACTOR_FORMAT = "speech-emotion-extractor/1"


@dataclass(frozen=True)
class FeatureContract:
    """The feature recipe that every client and every network here agree on."""

    recipe: dict[str, Any]

    @property
    def n_mfcc(self) -> int:
        """Coefficients in one vector or frame."""
        return int(self.recipe["nMfcc"])


def read_contract(directory: Path) -> FeatureContract:
    """Reads `mfcc.onnx` in the models' directory.

    Raises:
        ModelFileError: the file is missing, cannot be loaded or lacks the recipe.
    """
    model = open_model(directory / EXTRACTOR_NAME, EXTRACTOR_FORMAT)
    try:
        recipe = msgspec.json.decode(model.metadata.get("recipe", ""), type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise ModelFileError(f"metadata 'recipe': {error}; expected a JSON object") from None
    if not isinstance(recipe.get("nMfcc"), int):
        raise ModelFileError(f"recipe: nMfcc is {recipe.get('nMfcc')!r}; expected a whole number")
    return FeatureContract(recipe)
