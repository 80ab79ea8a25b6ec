"""Runs the worker: a process with limited rights that runs the server's extractor."""

import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import speech_emotion_worker
from speech_emotion_worker import pipes

from speech_emotion.errors import ExtractorError
from speech_emotion.extraction.environment import worker_environment
from speech_emotion.limits import Limits
from speech_emotion.untrusted import text

MODULE = speech_emotion_worker.__name__
START_SECONDS = 60.0  # until numpy and onnxruntime are imported; nothing of the server's runs
LONGEST_MESSAGE = 2**30  # bytes; 600 s of stereo at 96 kHz take less than half
LONGEST_REASON = 4096


class Worker:
    """One process; it starts while the caller goes on, and ends with this object."""

    def __init__(self, limits: Limits, who: str = "The server's extractor") -> None:
        """Starts the process without waiting for it; `who` runs in it, for messages.

        Raises:
            ExtractorError: there is no Python interpreter to start.
        """
        if not sys.executable or getattr(sys, "frozen", False):
            raise ExtractorError("The extractor needs a Python interpreter (sys.executable).")
        self._who = who
        self._owner = os.getpid()
        self._process = subprocess.Popen(
            _command(limits),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # ONNX Runtime writes names that the server chose
            env=worker_environment(),
            cwd=Path(sys.executable).anchor,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._ready = False
        self._end = weakref.finalize(self, _end, self._process, self._owner)

    @property
    def usable(self) -> bool:
        """Whether the process runs, and is this process's own: a fork must not share it."""
        return self._owner == os.getpid() and self._process.poll() is None

    def load(self, model: bytes, seconds: float) -> None:
        """Loads an ONNX file.

        Raises:
            ExtractorError: it cannot be loaded, or not within `seconds`.
        """
        self._ask(pipes.MODEL, seconds, 0, model)

    def run(self, request: bytes, audio: memoryview, seconds: float, largest: int) -> bytes:
        """Runs the extractor on float32 samples; returns a message of kind FEATURES.

        Args:
            request: the first part of a message of kind AUDIO.
            audio: the second part.
            seconds: time limit.
            largest: bytes of the answer.

        Raises:
            ExtractorError: it cannot be run within `seconds`, or returns more than `largest` bytes.
        """
        return self._ask(pipes.AUDIO, seconds, largest, request, audio)

    def run_network(self, inputs: bytes, seconds: float, largest: int) -> bytes:
        """Runs a network on a message of kind TENSORS; as `run`."""
        return self._ask(pipes.TENSORS, seconds, largest, inputs)

    def close(self) -> None:
        """Ends the process."""
        self._end()

    def _ask(
        self, kind: bytes, seconds: float, largest: int, *contents: bytes | memoryview
    ) -> bytes:
        if not self._ready:
            with self._time_limit(START_SECONDS, "The process for the extractor") as output:
                pipes.receive(output, 0)
            self._ready = True
        with self._time_limit(seconds, self._who) as output:
            pipes.send(self._input, kind, *contents)
            answered, answer = pipes.receive(output, max(largest, LONGEST_REASON))
        if answered == pipes.FAILURE:
            reason = text(answer.decode(errors="replace"))
            raise ExtractorError(f"{self._who} was refused: {reason}")
        return answer

    @contextmanager
    def _time_limit(self, seconds: float, who: str) -> Iterator[IO[bytes]]:
        """Kills the process after `seconds`, and whenever it does not keep to the rules."""
        over = threading.Event()

        def end() -> None:
            over.set()
            self._process.kill()

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            assert self._process.stdout
            yield self._process.stdout
        except (OSError, pipes.BrokenPipesError) as error:
            self.close()
            reason = "ended unexpectedly"
            if over.is_set():
                reason = f"took longer than {seconds:g} s"
            elif isinstance(error, pipes.TooLargeError):
                reason = str(error)
            raise ExtractorError(f"{who} {reason}.") from error
        except BaseException:
            self.close()  # the answer would be taken for that of the next question
            raise
        finally:
            timer.cancel()

    @property
    def _input(self) -> IO[bytes]:
        assert self._process.stdin
        return self._process.stdin


def _command(limits: Limits) -> list[str]:
    arguments = (limits.memory_bytes, LONGEST_MESSAGE, round(limits.seconds_for_longest))
    # -P: the current folder holds no modules.
    return [sys.executable, "-P", "-m", MODULE, *map(str, arguments)]


def _end(process: "subprocess.Popen[bytes]", owner: int) -> None:
    """Kills the process, unless this is a fork of the one that started it."""
    if owner == os.getpid():
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout):
        if stream:
            with suppress(OSError):
                stream.close()
