"""The extractors and reference clips that a server needs beside the networks of a folder."""

import json
from pathlib import Path

import onnx

from configuration import ROOT
from training.errors import UserError
from training.features.extractor import FILE_NAME
from training.features.recipe import RECIPE
from training.storage.atomic_write import write_bytes

SHIPPED = ROOT / "models"
PATTERNS = (FILE_NAME, "extractor-*.onnx", "reference*.wav")


def complete(directory: Path, source: Path = SHIPPED) -> list[Path]:
    """Copies the extractors and clips to a folder without `mfcc.onnx`; returns the copies.

    A folder that has this file keeps its own.

    Raises:
        UserError: those in `source` are missing, or of another feature recipe than the networks.
    """
    if (directory / FILE_NAME).exists():
        return []
    if _recipe(source / FILE_NAME) != RECIPE.as_json():
        raise UserError(
            f"{source / FILE_NAME} is missing or has another feature recipe; write the extractors "
            f"with: python -m training extractor --models-path {directory}"
        )
    found = sorted(path for pattern in PATTERNS for path in source.glob(pattern))
    # Written last: a folder without this file is completed again.
    found.sort(key=lambda path: path.name == FILE_NAME)
    for path in found:
        write_bytes(directory / path.name, path.read_bytes())
    return [directory / path.name for path in found]


def _recipe(extractor: Path) -> object:
    """The recipe in the metadata of an extractor; None if there is no such file."""
    if not extractor.is_file():
        return None
    properties = onnx.load(extractor).metadata_props
    texts = {item.key: item.value for item in properties}
    return json.loads(texts.get("recipe", "null"))
