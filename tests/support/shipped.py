"""What the files in models/ say of themselves."""

import json

import onnx

from configuration import ROOT

_EXTRACTOR = onnx.load(ROOT / "models" / "extractor-22050.onnx")
_PROSODY = next(entry.value for entry in _EXTRACTOR.metadata_props if entry.key == "prosody")
PROSODY_STATISTICS = len(json.loads(_PROSODY)["statistics"])  # numbers, beside one vector
