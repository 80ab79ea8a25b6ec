"""A server that follows the protocol except where a test tells it what to send."""

import hashlib
import io
import json
import socketserver
import wave
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from tests.support.hostile.extractors import (
    COEFFICIENTS,
    RECORDING_OUTPUTS,
    STATISTICS,
    innocent,
)
from tests.support.hostile.listener import Listener

MOST_CHUNKS = 100_000  # of an endless reply
PREDICTION = {
    "results": [
        {"emotionType": "calm", "prediction": 0.25},
        {"emotionType": "happy", "prediction": 0.75},
    ]
}

Reply = Iterator[bytes]
Replies = Callable[[], Reply]


class HostileServer(Listener):
    """Answers the requests of a client on a port of loopback.

    document: the handshake; tests change it before the first request.
    It has no `/v2`, so that a client that tries it posts the same again in JSON.

    replies: by path, the bytes to send instead of the correct answer.
    posted: the bodies that clients have sent.
    """

    def __init__(
        self, extractor: bytes | None = None, recordings: Mapping[int, bytes] | None = None
    ) -> None:
        """With extractors for recordings, by sample rate, it is a server of version 2."""
        super().__init__(_handler(self))
        self.files = {
            "/init/mfcc.onnx": extractor or innocent(),
            "/init/reference.wav": reference_clip(),
        }
        self.document: Any = handshake(*map(_sha256, self.files.values()))
        if recordings:
            files = {f"/init/extractor-{rate}.onnx": file for rate, file in recordings.items()}
            self.document |= members_of_version_2(self.document, recordings)
            self.files |= files
        self.prediction: Any = PREDICTION
        self.replies: dict[str, Replies] = {}
        self.greeting: Replies | None = None  # sent before any request is read
        self.paths: list[str] = []
        self.posted: list[Any] = []

    def answer(self, target: str) -> Reply:
        path = target.partition("?")[0]
        self.paths.append(target)
        if path in self.replies:
            return self.replies[path]()
        if path.startswith("/v2"):
            return iter([response(b"", "text/plain", "404 Not Found")])
        if path in self.files:
            return iter([response(self.files[path], "application/octet-stream")])
        document = self.document if path == "/init/configuration" else self.prediction
        return iter([response(json.dumps(document).encode())])


def _handler(server: HostileServer) -> type[socketserver.StreamRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):  # the client has had enough
                self._send(server.greeting() if server.greeting else server.answer(self._read()))

        def _read(self) -> str:
            line = self.rfile.readline()
            if not line:
                raise ConnectionError("the client has sent nothing")
            target = line.split()[1].decode()
            length = 0
            while line := self.rfile.readline().strip():
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            body = self.rfile.read(length)
            if body and not target.startswith("/v2"):
                server.posted.append(json.loads(body))
            return target

        def _send(self, reply: Reply) -> None:
            for chunk in reply:
                if server.stopped.is_set():
                    return
                self.wfile.write(chunk)

    return Handler


def response(
    body: bytes, content_type: str = "application/json", status: str = "200 OK", **headers: str
) -> bytes:
    """The bytes of a correct answer; `Content_Type` and the like name headers."""
    names = {"Content-Type": content_type, "Content-Length": str(len(body))}
    names |= {name.replace("_", "-"): value for name, value in headers.items()}
    return head(status, **names) + body


def head(status: str = "200 OK", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def reference_clip() -> bytes:
    """A second of silence in WAV."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(22_050)
        file.writeframes(bytes(2 * 22_050))
    return content.getvalue()


def handshake(extractor_sha256: str, reference_sha256: str) -> dict[str, object]:
    """The handshake of a server with one network for vectors, `V`, and one for frames, `F`."""
    network = {"speakerIndependentUar": 0.5, "emotions": ["calm", "happy"]}
    return {
        "numberOfMfccs": COEFFICIENTS,
        "features": {"sampleRate": 22_050, "hopLength": 512},
        "extractor": {"url": "/init/mfcc.onnx", "sha256": extractor_sha256},
        "reference": {"url": "/init/reference.wav", "sha256": reference_sha256},
        "networks": [
            network | {"networkType": "V", "input": "vector"},
            network | {"networkType": "F", "input": "frames", "speakerIndependentUar": 0.6},
        ],
    }


def members_of_version_2(
    document: dict[str, Any], recordings: Mapping[int, bytes]
) -> dict[str, Any]:
    """What the second version adds: the networks use all that is known of a clip."""
    reference = {"name": "reference", "sampleRate": 22_050, "channels": 1}
    return {
        "networks": [
            network | {"optionalMembers": ["prosody", "baseline"]}
            for network in document["networks"]
        ],
        "recordings": {
            "input": "audio",
            "outputs": [*RECORDING_OUTPUTS],
            "extractors": [
                {
                    "sampleRate": rate,
                    "url": f"/init/extractor-{rate}.onnx",
                    "sha256": _sha256(file),
                }
                for rate, file in recordings.items()
            ],
        },
        "prosody": {
            "columns": ["logF0", "voicing", "level"],
            "referenceHz": 27.5,
            "unvoiced": 0,
            "statistics": [f"statistic{number}" for number in range(STATISTICS)],
        },
        "references": [document["reference"] | reference] if 22_050 in recordings else [],
    }


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
