"""Fetches the server's extractors and networks once, checks their hashes, and keeps them."""

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from speech_emotion.contract import Resource
from speech_emotion.errors import ExtractorError
from speech_emotion.transport import Transport

# The newest: those of two servers for nine sample rates, and some networks. A server may change its
# own at will.
CACHED_FILES = 30


def fetch_file(what: str, transport: Transport, resource: Resource, cache: Path) -> bytes:
    """Loads an extractor or a network from the cache; fetches it if it is missing or damaged.

    Raises:
        ExtractorError: the file from the server has another hash than the handshake says.
        NoServerError, WrongServerError, ServerProblemError: the file cannot be fetched.
    """
    path = cache / f"{resource.sha256}.onnx"
    model = path.read_bytes() if path.is_file() else b""
    if _sha256(model) != resource.sha256:
        model = transport.get(resource.path)
        check_hash(what, model, resource)
        # Without a writable cache the file is downloaded each time.
        with suppress(OSError):
            _write(path, model)
    return model


def check_hash(name: str, content: bytes, resource: Resource) -> None:
    """Raises ExtractorError if the content has another hash than the handshake says."""
    found = _sha256(content)
    if found != resource.sha256:
        raise ExtractorError(
            f"The server's {name} has the SHA-256 hash {found}; "
            f"the handshake says {resource.sha256}. It was not used."
        )


def cache_directory() -> Path:
    """The folder for servers' files: `$XDG_CACHE_HOME/speech-emotion`, by default in `~/.cache`."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "speech-emotion"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write(path: Path, content: bytes) -> None:
    """Writes atomically, so that several processes may write at once; removes old files."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        try:
            file.write(content)
        except OSError:
            Path(file.name).unlink()
            raise
    Path(file.name).replace(path)
    newest_first = sorted(path.parent.glob("*.onnx"), key=lambda file: -file.stat().st_mtime)
    for old in newest_first[CACHED_FILES:]:
        old.unlink(missing_ok=True)
