"""Copies a models directory with all of its sets into the one folder of a release."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from server.models.contract.metadata import read_metadata
from server.models.files import (
    EXTRACTOR_NAME,
    NAME,
    RECORDING_EXTRACTORS,
    REFERENCE,
    REFERENCE_NAME,
    RESERVED,
    UNSAFE_NAME,
    ModelFileError,
    printable_name,
    read_file,
)
from server.models.staging.model_sets import (
    ModelSet,
    feature_set,
    find_sets,
    other_features,
    unreadable_sets,
)

SAME_NAME = "is served as {name}, which is the name of {other} too"
RESERVED_NAME = "would be served as {name}, which is reserved for extractors and reference clips"


@dataclass(frozen=True)
class StagedRelease:
    """A copy of models that is not published yet.

    faults: why a file could not be copied, by its path relative to the models directory.
    labels: that path by the name of the copy, of networks in the folders of sets.
    """

    path: Path
    faults: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)

    def labelled(self, faults: Mapping[str, str]) -> dict[str, str]:
        """Faults of the copies, by the paths of the files that were copied."""
        return {self.labels.get(name, name): reason for name, reason in faults.items()}


def stage(source: Path, folder: Path, maximum_bytes: int) -> StagedRelease:
    """Copies the networks of all sets, and the extractors and reference clips of one."""
    staged = StagedRelease(folder)
    sets = find_sets(source)
    served = feature_set(sets)
    clips = (served.path / name for name in _clips(served.path, maximum_bytes))
    for path in sorted([*served.extractors, *filter(os.path.lexists, clips)]):
        _stage(staged, path, path.name, printable_name(path), maximum_bytes)
    for found in sets:
        for path in found.networks:
            _stage_network(staged, found, path, maximum_bytes)
    staged.faults.update(unreadable_sets(sets[1:]))
    staged.faults.update(other_features(sets, served, maximum_bytes))
    return staged


def _stage_network(staged: StagedRelease, found: ModelSet, path: Path, maximum_bytes: int) -> None:
    if not found.name:
        _stage(staged, path, path.name, printable_name(path), maximum_bytes)
        return
    name, label = found.served_name(path), found.label(path)
    label = label if label.isascii() and label.isprintable() else ascii(label)
    if not NAME.fullmatch(name):
        staged.faults[label] = f"{UNSAFE_NAME}; it would be served as {name!a}"
    elif RESERVED.fullmatch(Path(name).stem):
        staged.faults[label] = RESERVED_NAME.format(name=name)
    elif (staged.path / name).exists():
        other = staged.labels.get(name, name)
        staged.faults[label] = SAME_NAME.format(name=Path(name).stem, other=other)
    else:
        staged.labels[name] = label
        _stage(staged, path, name, label, maximum_bytes)


def _stage(staged: StagedRelease, path: Path, name: str, label: str, maximum_bytes: int) -> None:
    try:
        _copy(path, staged.path / name, maximum_bytes)
    except ModelFileError as error:
        staged.faults[label] = str(error)


class _Reference(msgspec.Struct):
    file: str


def _clips(source: Path, maximum_bytes: int) -> set[str]:
    """The file names of the reference clips that the extractors have.

    SECURITY: Nginx serves every clip of a release; others in the directory may be recordings.
    """
    names = {REFERENCE_NAME}
    for path in source.glob(RECORDING_EXTRACTORS):
        try:
            metadata = read_metadata(read_file(path, maximum_bytes).content)
            found = msgspec.json.decode(metadata.get("references", ""), type=list[_Reference])
        except (ModelFileError, msgspec.DecodeError, RecursionError):
            continue  # the verification says why the extractor is not served
        names.update(entry.file for entry in found if REFERENCE.fullmatch(entry.file))
    return names


def _copy(path: Path, copy: Path, maximum_bytes: int) -> None:
    file = read_file(path, maximum_bytes)
    copy.write_bytes(file.content)
    # Nginx derives the entity tag from the file's time and size. A time derived from the content
    # makes the tag the same on every server and different for different content.
    moment = int(file.sha256[:7], 16)
    os.utime(copy, (moment, moment))
    is_first = copy.name in (EXTRACTOR_NAME, REFERENCE_NAME)
    link = file.sha256 if is_first else f"{copy.name}.{file.sha256}"
    (copy.parent / link).symlink_to(copy.name)
