"""Verifies a models directory in a process of its own, with limits of time and memory.

A model is a program: it may loop without end, ask for all memory, or crash ONNX Runtime. In a
process of its own, each of these is a reason to refuse one file.
"""

import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import msgspec

from configuration import ROOT
from server.settings import ModelSettings

COMMAND = (sys.executable, "-m", "server.models.verifier")
START_SECONDS = 30.0
LONGEST_ERROR = 1_000  # characters of the process's own output in a message


class NetworkSummary(msgspec.Struct, frozen=True):
    """What the clients of a network rely on."""

    input: str
    labels: tuple[str, ...]


class Verification(msgspec.Struct, frozen=True):
    """The result for a models directory."""

    networks: dict[str, NetworkSummary]  # by name, in alphabetical order
    recipe: dict[str, Any] | None  # None: the extractor is not valid
    faults: dict[str, str]  # file name -> reason
    prosody: dict[str, Any] | None = None  # its definition; None: there are no extractors of it


class Order(msgspec.Struct, frozen=True):
    """What the process is to verify.

    refused: files that it does not load, with the reasons.
    """

    directory: str
    maximum_file_bytes: int
    memory_bytes: int
    refused: dict[str, str]


class Progress(msgspec.Struct, frozen=True):
    """A line of the process: the file that it loads next, or the result."""

    file: str = ""
    result: Verification | None = None


class VerificationError(Exception):
    """The process failed before it loaded a file; the message gives its output."""


def verify(directory: Path, settings: ModelSettings) -> Verification:
    """Verifies every file of a models directory.

    Raises:
        VerificationError: the verification itself failed.
    """
    refused: dict[str, str] = {}
    while True:
        order = Order(
            str(directory.absolute()),
            settings.maximum_file_bytes,
            settings.verification_memory_bytes,
            refused,
        )
        file, outcome = _run(order, settings.verification_timeout_seconds)
        if isinstance(outcome, Verification):
            return outcome
        # Another process verifies the other files, without this one.
        refused[file] = outcome


def _run(order: Order, timeout: float) -> tuple[str, Verification | str]:
    """The result, or the file that ended the process and the reason."""
    file = ""
    with tempfile.TemporaryFile() as errors, _process(order, errors) as process:
        assert process.stdout is not None
        for line in _lines(process.stdout, timeout):
            if line is None:
                late = f"is not verified after {timeout:g} s, verification_timeout_seconds"
                return _at(file, late, errors)
            progress = msgspec.json.decode(line, type=Progress)
            if progress.result:
                return "", progress.result
            file = progress.file
        return _at(file, _reason(process.wait(), order.memory_bytes), errors)


def _at(file: str, reason: str, errors: IO[bytes]) -> tuple[str, str]:
    if file:
        return file, reason
    errors.seek(0)
    output = errors.read().decode(errors="replace").strip()
    raise VerificationError(f"Cannot verify models: {reason}. {output[-LONGEST_ERROR:]}")


def _reason(status: int, memory_bytes: int) -> str:
    """Why the process ended without a result."""
    limit = f"its memory is limited to {memory_bytes:,} bytes, verification_memory_bytes"
    if status >= 0:
        return f"ends the process that verifies it, with status {status}"
    return f"ends the process that verifies it, with {signal.Signals(-status).name}; {limit}"


@contextmanager
def _process(order: Order, errors: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """The started process; it is killed on exit."""
    with subprocess.Popen(
        COMMAND,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        bufsize=0,
    ) as process:
        assert process.stdin is not None
        try:
            process.stdin.write(msgspec.json.encode(order) + b"\n")
            yield process
        finally:
            process.kill()


def _lines(source: IO[bytes], timeout: float) -> Iterator[bytes | None]:
    """Yields each line; None if the next one does not come within `timeout` seconds.

    The first line has `START_SECONDS`: the process loads ONNX Runtime before it.
    """
    rest, deadline = b"", time.monotonic() + START_SECONDS
    while True:
        *lines, rest = rest.split(b"\n")
        for line in lines:
            yield line
            deadline = time.monotonic() + timeout
        ready, _, _ = select.select([source], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            yield None
            return
        part = source.read(65_536)
        if not part:
            return
        rest += part
