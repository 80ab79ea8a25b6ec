"""The corpora that this package knows: every module in it that defines `CORPORA`."""

import importlib
import pkgutil

from training import corpora
from training.corpora.reader import CorpusError, Reader


def known_readers() -> dict[str, Reader]:
    """The readers in the `CORPORA` of all modules of `training.corpora`, by their key."""
    names = sorted(found.name for found in pkgutil.iter_modules(corpora.__path__))
    modules = [importlib.import_module(f"{corpora.__name__}.{name}") for name in names]
    readers: list[Reader] = [
        reader for module in modules for reader in getattr(module, "CORPORA", ())
    ]
    return {reader.key: reader for reader in readers}


def reader_named(key: str) -> Reader:
    """The reader with this key.

    Raises:
        CorpusError: there is none.
    """
    readers = known_readers()
    if key not in readers:
        raise CorpusError(f"{key!r}: no such corpus; known: {', '.join(readers)}")
    return readers[key]
