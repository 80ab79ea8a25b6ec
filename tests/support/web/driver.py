"""Runs the web module in Node: one process, one JSON request per line."""

import base64
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from configuration import ROOT
from tests.support.missing import missing
from tests.support.web.node import find_node
from training.arrays import Float32

DRIVER = ROOT / "clients" / "web" / "extractor" / "test" / "dist" / "driver.js"
END = 180  # seconds; Node first compiles all of the WebAssembly that it has begun to
OUTPUTS = ("frames", "mfccs", "prosody", "prosodyStatistics")


class WebError(Exception):
    """An error that the web module threw: its class and its members."""

    def __init__(self, members: dict[str, Any]) -> None:
        super().__init__(f"{members['name']}: {members['message']}")
        self.name: str = members["name"]
        self.members = members


@dataclass(frozen=True)
class WebModule:
    """The module in a Node process."""

    process: subprocess.Popen[str]
    audio_path: Path

    def call(self, command: str, **arguments: Any) -> Any:
        """Runs one command.

        Raises:
            WebError: the module threw an error.
        """
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({"command": command, **arguments}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline() or "null")
        assert answer, "Node ended; stderr says why"
        if "error" in answer:
            raise WebError(answer["error"])
        return answer["result"]

    def call_with(self, audio: Float32, command: str, **arguments: Any) -> Any:
        """Runs a command that takes audio, float32 (samples,)."""
        audio.tofile(self.audio_path)
        return self.call(command, audio=str(self.audio_path), **arguments)

    def extract(self, audio: Float32) -> tuple[Float32, Float32]:
        """Frames float32 (T, n_mfcc) and their mean, float32 (n_mfcc,)."""
        frames, mfccs, *_ = self.outputs(audio)
        return frames, mfccs

    def outputs(self, audio: Float32, rate: int | None = None) -> list[Float32]:
        """The outputs of the extractor for a recording, float32 (samples,) or (samples, channels).

        Frames, their mean; also prosody (T, 3) and its statistics if the extractor makes them.
        """
        known = {} if rate is None else {"rate": rate}
        channels = audio.shape[1] if audio.ndim > 1 else 1
        answer = self.call_with(audio, "extract", channels=channels, **known)
        names = [name for name in OUTPUTS if name in answer]
        found = [_floats(answer[name]) for name in names]
        rows = answer["frameCount"]
        return [
            values.reshape(rows, -1) if name in ("frames", "prosody") else values
            for name, values in zip(names, found, strict=True)
        ]


def _floats(text: str) -> Float32:
    return np.frombuffer(base64.b64decode(text), np.float32)


@contextmanager
def run_web_module(folder: Path) -> Iterator[WebModule]:
    """Starts Node; audio is passed through a file in `folder`. Needs Node and a built module."""
    if not DRIVER.exists():
        missing("the web module is not built: `scripts/page` builds it")
    with subprocess.Popen(
        [find_node(), str(DRIVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield WebModule(process, folder / "audio.f32")
        assert process.stdin
        process.stdin.close()
        assert process.wait(timeout=END) == 0
