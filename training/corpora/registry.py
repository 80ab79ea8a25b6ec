"""The corpora that this package knows: every module in it that defines `CORPORA`."""

import importlib
import pkgutil
from collections.abc import Mapping

from training import corpora
from training.corpora.reader import CorpusError, Reader

REQUIRED = ("key", "name", "description", "licence", "citation", "pattern", "emotions")


def known_readers() -> dict[str, Reader]:
    """The readers in the `CORPORA` of all modules of `training.corpora`, by their key."""
    names = sorted(found.name for found in pkgutil.iter_modules(corpora.__path__))
    modules = [importlib.import_module(f"{corpora.__name__}.{name}") for name in names]
    readers: list[Reader] = [
        reader for module in modules for reader in getattr(module, "CORPORA", ())
    ]
    known: dict[str, Reader] = {}
    for reader in readers:
        _check(reader, known)
        known[reader.key] = reader
    return known


def _check(reader: Reader, known: Mapping[str, Reader]) -> None:
    where = type(reader).__module__
    missing = [name for name in REQUIRED if not getattr(reader, name, None)]
    if missing:
        raise CorpusError(f"{where}: {type(reader).__name__} lacks {', '.join(missing)}")
    if reader.key in known:
        raise CorpusError(f"{where}: {reader.key!r} is the key of another corpus")
    if list(reader.emotions) != sorted(set(reader.emotions)):
        raise CorpusError(f"{where}: emotions {reader.emotions}; expected alphabetical order")


def reader_named(key: str) -> Reader:
    """The reader with this key.

    Raises:
        CorpusError: there is none.
    """
    readers = known_readers()
    if key not in readers:
        raise CorpusError(
            f"{key!r}: no such corpus; known: {', '.join(readers)}; a corpus of "
            "one's own is a path with a slash, such as ./recordings, or ends in .csv"
        )
    return readers[key]
