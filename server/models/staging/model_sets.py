"""The sets of networks in a models directory: the directory itself, and each of its folders.

    models/TCN.onnx           is served as TCN
    models/German/TCN.onnx    is served as German-TCN

All sets share one handshake, and so one extractor: that of the set with the most extractors, of
those that have mfcc.onnx.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from server.models.contract.metadata import EXTRACTOR_FORMAT, FORMAT, read_metadata
from server.models.files import EXTRACTOR_NAME, NAME, ModelFileError, is_extractor, read_file

SHARED = ("recipe", "prosody")  # the metadata in which all extractors of a server agree


@dataclass(frozen=True)
class ModelSet:
    """A folder of networks; `name` is empty for the models directory itself."""

    name: str
    path: Path

    @property
    def networks(self) -> list[Path]:
        """The files of its networks, in alphabetical order."""
        return sorted(path for path in self.path.glob("*.onnx") if not is_extractor(path))

    @property
    def extractors(self) -> list[Path]:
        """The files of its extractors, in alphabetical order."""
        return sorted(path for path in self.path.glob("*.onnx") if is_extractor(path))

    def served_name(self, path: Path) -> str:
        """The file name of one of its networks in a release."""
        return f"{self.name}-{path.name}" if self.name else path.name

    def label(self, path: Path) -> str:
        """The path of one of its files for messages, relative to the models directory."""
        return f"{self.name}/{path.name}" if self.name else path.name


def find_sets(directory: Path) -> list[ModelSet]:
    """The models directory, and its folders in alphabetical order.

    SECURITY: folders of folders are not read, so a link to a folder above is no loop.
    """
    # Path.is_dir raises PermissionError.
    folders = sorted(path for path in directory.glob("[!.]*") if os.path.isdir(path))  # noqa: PTH112
    return [ModelSet("", directory), *(ModelSet(path.name, path) for path in folders)]


def unreadable_sets(sets: Sequence[ModelSet]) -> Iterator[tuple[str, str]]:
    """The folders that cannot be read, with the reasons; their networks would be missing."""
    for found in sets:
        if not NAME.fullmatch(f"{found.name}-A.onnx"):
            continue  # it is no set, such as the `lost+found` of a volume
        try:
            os.scandir(found.path).close()
        except OSError as error:
            yield found.name, f"cannot be read: {error.strerror}"


def feature_set(sets: Sequence[ModelSet]) -> ModelSet:
    """The set whose extractors are served: that with the most, the first one of several.

    A server needs mfcc.onnx, so a set without it comes last.
    """

    def rank(found: ModelSet) -> tuple[bool, int]:
        extractors = found.extractors
        return any(path.name == EXTRACTOR_NAME for path in extractors), len(extractors)

    return max(sets, key=rank)


def other_features(
    sets: Sequence[ModelSet], served: ModelSet, maximum_bytes: int
) -> Iterator[tuple[str, str]]:
    """The extractors that differ from the served ones in what clients compute, with reasons."""
    expected: dict[str, tuple[str, object]] = {}
    for path in reversed(served.extractors):  # mfcc.onnx is last in the alphabet
        for key, value in _shared_metadata(path, maximum_bytes).items():
            expected.setdefault(key, (served.label(path), value))
    for found in sets:
        for path in found.extractors if found is not served else ():
            for key, value in _shared_metadata(path, maximum_bytes).items():
                label, wanted = expected.get(key, ("", value))
                if value != wanted:
                    yield (
                        found.label(path),
                        f"has another {key} than {label}; all networks of a server share one",
                    )


def _shared_metadata(path: Path, maximum_bytes: int) -> Mapping[str, object]:
    """What all extractors share; nothing of a file that the verification refuses."""
    file_format = EXTRACTOR_FORMAT if path.name == EXTRACTOR_NAME else FORMAT
    try:
        metadata = read_metadata(read_file(path, maximum_bytes).content, file_format)
        return {key: msgspec.json.decode(metadata[key]) for key in SHARED if key in metadata}
    except (ModelFileError, msgspec.DecodeError, RecursionError):
        return {}
