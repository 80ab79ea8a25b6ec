"""Recognisable requests and dying workers; then a search of everything that the server wrote."""

import asyncio
import json
import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import psutil
import uvloop

from server.models.files import is_extractor
from server.settings import load_settings
from tests.soak.http1 import AnswerReader, ProtocolError, request
from tests.support.harness import Server, free_port, running
from tests.support.traces import Search, Voice

CONNECTIONS = 16
VOICES = 20
SECONDS_TO_ANSWER = 30.0
REQUESTS_PER_KILL = 2_000
KILLS = (signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL)


@dataclass
class Findings:
    """What was sent, and what the search read and found."""

    answers: Counter[int] = field(default_factory=Counter)  # by status
    lost: Counter[str] = field(default_factory=Counter)  # requests without an answer
    kills: int = 0
    files: int = 0  # that the search read
    bytes_read: int = 0
    log_lines: int = 0
    found: dict[str, bytes] = field(default_factory=dict)  # by place: the number and its context

    @property
    def is_good(self) -> bool:
        """Whether every request was answered, and none of its numbers was found."""
        failed = any(status >= 500 for status in self.answers)
        return not (self.found or self.lost or failed) and self.kills > 0


def search_after(requests: int) -> Findings:
    """Starts a server, sends the requests and searches."""
    voices = [Voice.random(seed) for seed in range(VOICES)]
    findings, search = Findings(), Search(voices)
    since = time.time()
    with tempfile.TemporaryDirectory(prefix="privacy-") as name:
        folder = Path(name)
        (folder / "tmp").mkdir()
        port = free_port()
        settings = {"SER_SERVER_OPERATOR_PORT": port, "TMPDIR": folder / "tmp"}
        with running(folder, **settings) as server:
            uvloop.run(_send(server, _requests(voices), requests, findings))
            metrics = server.client.get(f"http://127.0.0.1:{port}/metrics").content
            findings.found = search.found_in_files(server, folder, since)
        findings.log_lines = len(server.lines)
        outputs = {"the log": server.output.encode(), "the metrics": metrics}
        found = {place: search.found_in(content) for place, content in outputs.items()}
        findings.found |= {place: text for place, text in found.items() if text}
    findings.files, findings.bytes_read = search.files, search.bytes
    return findings


def _requests(voices: Sequence[Voice]) -> list[bytes]:
    """Valid and invalid requests to every network."""
    folder = load_settings().models.directory
    networks = sorted(path.stem for path in folder.glob("*.onnx") if not is_extractor(path))
    return [part for voice in voices for name in networks for part in _of(voice, name)]


def _of(voice: Voice, network: str) -> list[bytes]:
    whole = {"mfccs": voice.frames, "prosody": voice.prosody, "baseline": voice.baseline}
    bodies = [
        whole,
        whole | {"baseline": voice.tensor},
        whole | {"baseline": voice.baseline | {"clips": voice.means[0]}},
        whole | {"prosody": voice.prosody[1:]},
        {"mfccs": voice.frames[0], "baseline": voice.baseline},
    ]
    tensors = [
        {"name": name, "shape": [1, len(row)], "datatype": "FP32", "data": row}
        for name, row in (("mfccs", voice.frames[0]), ("baseline", voice.tensor))
    ]
    path, text = f"/prediction/{network}", json.dumps(whole).encode()
    return [
        *(request(path, json.dumps(body).encode()) for body in bodies),
        request(path, text[:-2]),
        request("/init/verification", text),
        request(f"/v2/models/{network}/infer", json.dumps({"inputs": tensors}).encode()),
    ]


async def _send(server: Server, requests: list[bytes], count: int, findings: Findings) -> None:
    left = iter(range(count))
    texts = cycle(requests)
    signals = cycle(KILLS)

    async def client() -> None:
        connection: _Connection | None = None
        for number in left:
            if number % REQUESTS_PER_KILL == REQUESTS_PER_KILL // 2:
                findings.kills += await asyncio.to_thread(_kill_worker, server, next(signals))
            connection = connection or await _Connection.open(server.port)
            try:
                status, closes = await connection.ask(next(texts))
                findings.answers[status] += 1
            except (ProtocolError, OSError, TimeoutError) as error:
                findings.lost[repr(error)] += 1
                closes = True
            if closes:
                connection.close()
                connection = None

    async with asyncio.TaskGroup() as tasks:
        for _ in range(CONNECTIONS):
            tasks.create_task(client())


def _kill_worker(server: Server, number: signal.Signals) -> int:
    """Kills the oldest worker; returns how many were killed: 0 if there is none at the moment."""
    with suppress(LookupError, psutil.NoSuchProcess, ValueError):
        os.kill(server.oldest_worker().pid, number)
        return 1
    return 0


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> "_Connection":
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def ask(self, text: bytes) -> tuple[int, bool]:
        """The status of the answer, and whether the server closes the connection."""
        self._writer.write(text)
        answers = AnswerReader()
        async with asyncio.timeout(SECONDS_TO_ANSWER):
            while True:
                data = await self._reader.read(65_536)
                if not data:
                    raise ProtocolError("closed without an answer")
                if answer := answers.feed(data):
                    return answer.status, answer.closes

    def close(self) -> None:
        self._writer.close()


def report(findings: Findings) -> str:
    """The counts as text."""
    answers = ", ".join(f"{status}: {n:,}" for status, n in sorted(findings.answers.items()))
    lines = [
        f"{findings.answers.total():,} requests with recognisable numbers ({answers})",
        f"requests without an answer: {findings.lost.total()} {dict(findings.lost)}",
        f"workers killed (SIGSEGV, SIGABRT, SIGKILL): {findings.kills}",
        f"searched: {findings.files} files, {findings.log_lines:,} lines of log, and the metrics",
        f"bytes searched: {findings.bytes_read:,}",
        f"found: {len(findings.found)}",
        *(f"  {place}: {text!r}" for place, text in findings.found.items()),
    ]
    return "\n".join(lines)
