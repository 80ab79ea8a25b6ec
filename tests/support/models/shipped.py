"""The shipped extractors and reference clips, for folders of models with small networks."""

import json
import shutil
from pathlib import Path
from typing import Any

import onnx

from configuration import ROOT

MODELS = ROOT / "models"
VERSION_1 = ("mfcc.onnx", "reference.wav")
WITH_RECORDINGS = ("mfcc.onnx", "reference*.wav", "extractor-*.onnx")


def metadata_of(path: Path) -> dict[str, str]:
    """The metadata of an ONNX file: JSON texts, except `format` and `sha256`."""
    return {item.key: item.value for item in onnx.load(path).metadata_props}


def shipped_recipe() -> dict[str, Any]:
    """The feature recipe that a small network beside the shipped extractors needs."""
    recipe: dict[str, Any] = json.loads(metadata_of(MODELS / "mfcc.onnx")["recipe"])
    return recipe


def copy_sets(folder: Path) -> Path:
    """Makes a folder of the project's networks, with the German ones as a set, as in the guide."""
    shutil.copytree(MODELS, folder)
    shutil.copytree(ROOT / "models-german", folder / "German")
    return folder


def copy_features(folder: Path, patterns: tuple[str, ...] = WITH_RECORDINGS) -> None:
    """Copies the extractors and reference clips to a folder of models."""
    for path in (path for pattern in patterns for path in MODELS.glob(pattern)):
        shutil.copy(path, folder)
