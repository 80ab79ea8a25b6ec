"""A folder of models, read as the handshake of a server that would serve it."""

import hashlib
import json
import re
from functools import cached_property
from pathlib import Path
from typing import Any

from speech_emotion_worker.external_data import RefusedModelError
from speech_emotion_worker.metadata import input_names, read_metadata

from speech_emotion.contract import Contract, Resource
from speech_emotion.errors import ExtractorError
from speech_emotion.handshake import contract_of

EXTRACTOR = "mfcc.onnx"
RECORDINGS = re.compile(r"extractor-(\d+)\.onnx")
LARGEST = 2**24  # bytes of a file
MEMBERS = ("prosody", "baseline")
MALFORMED = (
    *(RefusedModelError, KeyError, TypeError, ValueError, AttributeError),
    RecursionError,  # of nested JSON
)


class ModelFolder:
    """The networks of a folder, or one of them, with the extractors beside it."""

    def __init__(self, path: Path) -> None:
        """Reads the files.

        Raises:
            ExtractorError: there is no network or no extractor, or a file cannot be read.
        """
        folder = path if path.is_dir() else path.parent
        self._files = {file.name: _read(file) for file in sorted(folder.glob("*.onnx"))}
        if path != folder:
            self._files[path.name] = _read(path)
        if EXTRACTOR not in self._files:
            raise ExtractorError(f"{folder}: no {EXTRACTOR} beside the networks")
        self._networks = [path.name] if path != folder else [*self._files]

    @cached_property
    def contract(self) -> Contract:
        """What a server of these files would say; raises ExtractorError."""
        try:
            return contract_of(self._document())
        except MALFORMED as error:
            raise ExtractorError(f"The models are not those of this project: {error!r}") from error

    def read(self, resource: Resource) -> bytes:
        """The content of a file that the contract names."""
        return self._files[resource.path.rpartition("/")[2]]

    def _document(self) -> dict[str, Any]:
        recipe = json.loads(read_metadata(self._files[EXTRACTOR])["recipe"])
        networks = [
            self._network(name)
            for name in self._networks
            if name != EXTRACTOR and not RECORDINGS.fullmatch(name)
        ]
        if not networks:
            raise ExtractorError("There is no network in the folder.")
        return {
            "numberOfMfccs": recipe["nMfcc"],
            "features": recipe,
            "extractor": self._resource(EXTRACTOR),
            "reference": {"url": "/reference.wav", "sha256": 64 * "0"},  # verified by the server
            "networks": networks,
        } | self._recordings()

    def _network(self, name: str) -> dict[str, Any]:
        metadata = read_metadata(self._files[name])
        members = {key: json.loads(metadata[key]) for key in ("input", "corpus", "metrics")}
        inputs = input_names(self._files[name])
        metrics: dict[str, Any] = members["metrics"]
        return metrics | {
            "networkType": Path(name).stem,
            "input": members["input"],
            "emotions": json.loads(metadata["labels"]),
            "corpus": members["corpus"],
            "intendedUse": json.loads(metadata["intended_use"]),
            "optionalMembers": [member for member in MEMBERS if member in inputs],
            "file": self._resource(name),
        }

    def _recordings(self) -> dict[str, Any]:
        found = {name: RECORDINGS.fullmatch(name) for name in self._files}
        rates = {name: int(match[1]) for name, match in found.items() if match}
        if not rates:
            return {}
        prosody = read_metadata(self._files[next(iter(rates))])["prosody"]
        extractors = [self._resource(name) | {"sampleRate": rate} for name, rate in rates.items()]
        outputs = ["frames", "mfccs", "prosody", "prosody_statistics"]
        return {
            "recordings": {"input": "audio", "outputs": outputs, "extractors": extractors},
            "prosody": json.loads(prosody),
        }

    def _resource(self, name: str) -> dict[str, Any]:
        sha256 = hashlib.sha256(self._files[name]).hexdigest()
        return {"url": f"/{name}", "sha256": sha256}


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size > LARGEST:
            raise ExtractorError(f"{file}: larger than {LARGEST:,} bytes")
        return file.read_bytes()
    except OSError as error:
        raise ExtractorError(f"{file}: {error.strerror or error}") from error
