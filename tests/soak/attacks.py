"""Attacks that hold connections, memory or the event loop for some seconds.

Each attack returns what the server answered: a status, or `closed`.
"""

import asyncio
import json
import resource
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import cycle

from tests.soak.http1 import AnswerReader, ProtocolError, request

Answers = Counter[str]
LONGEST_WAIT = 60.0  # seconds for one answer

LARGEST_BODY = 1_048_576  # bytes; the default of maximum_body_bytes
LARGEST_BATCH = 8_388_608  # bytes; the default of maximum_batch_bytes
MAXIMUM_ROWS = 65_536  # the default of maximum_batch_rows
SLOW_READERS = 250
SECONDS_BETWEEN_READS = 1.0
SLOW_READER_ROWS = 5_000  # their answers together are within the limits of the bodies
ANNOUNCED_BODIES = 16
SECONDS_BETWEEN_BATCHES = 0.5
SECONDS_BEFORE_RENEWAL = 1.0
HALF_BODIES = 4_000
FEW_HALF_BODIES = 400
HALF_BODY_BYTES = 60_000
COEFFICIENTS = 25


@dataclass(frozen=True)
class Attack:
    """An attack, and how it is run against a port for some seconds."""

    name: str
    run: Callable[[int, float], Coroutine[None, None, Answers]]


async def send_hollow_bodies(port: int, seconds: float) -> Answers:
    """Sixty connections send bodies of 1 MB with hundreds of thousands of empty lists."""
    hollow = b'{"mfccs": [' + b"[]," * ((LARGEST_BODY - 20) // 3) + b"[]]}"
    paths = ("/init/verification", "/prediction/DNN", "/prediction/TCN")
    return await _repeat(port, seconds, 60, [request(path, hollow) for path in paths])


async def send_largest_batches(port: int, seconds: float) -> Answers:
    """Eight connections send the largest valid batches, to networks of both kinds."""
    requests = [
        request("/v2/models/DNN/infer", _json_batch("mfccs", (-1, COEFFICIENTS))),
        request("/v2/models/TCN/infer", _json_batch("frames", (-1, 100, COEFFICIENTS))),
        _binary_batch("DNN", "mfccs", (-1, COEFFICIENTS)),
        _binary_batch("TCN", "frames", (-1, 100, COEFFICIENTS)),
    ]
    return await _repeat(port, seconds, 8, requests)


async def read_slowly(port: int, seconds: float) -> Answers:
    """Clients send a batch and hardly read its large answer."""
    batch = _binary_batch("DNN", "mfccs", (SLOW_READER_ROWS, COEFFICIENTS), binary_output=False)
    return await _hold(port, seconds, SLOW_READERS, batch, receive_buffer=4_096, is_reading=True)


async def announce_bodies(port: int, seconds: float) -> Answers:
    """Idle connections announce the largest bodies and send nothing of them; they are renewed."""
    header = _header("/v2/models/DNN/infer", LARGEST_BATCH)
    return await _hold(port, seconds, ANNOUNCED_BODIES, header)


async def send_half_bodies(port: int, seconds: float, connections: int = HALF_BODIES) -> Answers:
    """Thousands of connections send most of a small body, and wait."""
    header = _header("/prediction/DNN", HALF_BODY_BYTES)
    return await _hold(port, seconds, connections, header + b" " * (HALF_BODY_BYTES - 1_000))


async def fill_queue(port: int, seconds: float) -> Answers:
    """More connections than the default of maximum_open_requests send long clips."""
    frames = json.dumps({"mfccs": [[1.5] * COEFFICIENTS] * 130}).encode()
    return await _repeat(port, seconds, 300, [request("/prediction/TCN", frames)])


async def send_batches(port: int, seconds: float) -> Answers:
    """No attack: one client sends a batch of 100 kB, twice a second."""
    batch = _binary_batch("DNN", "mfccs", (1_000, COEFFICIENTS))
    answers, end = Answers(), time.monotonic() + seconds
    while time.monotonic() < end:
        answers[await _ask(port, batch)] += 1
        await asyncio.sleep(SECONDS_BETWEEN_BATCHES)
    return answers


SHARED = (
    Attack("bodies of empty lists", send_hollow_bodies),
    Attack("slow readers", read_slowly),
    Attack("announced bodies", announce_bodies),
    Attack("largest batches", send_largest_batches),
)
ATTACKS = (*SHARED, Attack("half-sent bodies", send_half_bodies))
# Within the number of connections that Nginx accepts with little memory: beyond it, others wait.
ATTACKS_WITH_LITTLE_MEMORY = (
    *SHARED,
    Attack("half-sent bodies", partial(send_half_bodies, connections=FEW_HALF_BODIES)),
)


async def _repeat(
    port: int, seconds: float, connections: int, requests: Sequence[bytes]
) -> Answers:
    """Sends requests without pause on some connections."""
    answers, end, turn = Answers(), time.monotonic() + seconds, cycle(requests)

    async def send() -> None:
        while time.monotonic() < end:
            answers[await _ask(port, next(turn))] += 1

    async with asyncio.TaskGroup() as tasks:
        for _ in range(connections):
            tasks.create_task(send())
    return answers


async def _ask(port: int, data: bytes) -> str:
    """The status of an answer, on a connection of its own."""
    try:
        async with asyncio.timeout(LONGEST_WAIT):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(data)
                found = AnswerReader()
                while part := await reader.read(65_536):
                    if answer := found.feed(part):
                        return _told(answer.status, answer.header)
            finally:
                writer.close()
    except (OSError, ProtocolError):
        return "closed"
    except TimeoutError:
        return f"nothing within {LONGEST_WAIT:.0f} s"
    return "closed"


def _told(status: int, header: bytes) -> str:
    is_bare = status == 503 and b"\r\nretry-after:" not in header.lower()
    return f"{status} without Retry-After" if is_bare else str(status)


async def _hold(
    port: int,
    seconds: float,
    connections: int,
    data: bytes,
    *,
    receive_buffer: int = 0,
    is_reading: bool = False,
) -> Answers:
    """Holds connections open that have sent `data`; renews those that the server closes."""
    _raise_open_file_limit()
    answers, end = Answers(), time.monotonic() + seconds

    async def hold() -> None:
        while time.monotonic() < end:
            try:
                told = await _stay(port, end, data, receive_buffer, is_reading=is_reading)
            except OSError:
                told = "closed"
            answers[told] += 1
            # Not at once: that would be a flood, which keeps the clients busier than the server.
            await asyncio.sleep(SECONDS_BEFORE_RENEWAL)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(connections):
            tasks.create_task(hold())
    return answers


async def _stay(
    port: int, end: float, data: bytes, receive_buffer: int, *, is_reading: bool
) -> str:
    """The first status that the server sends; `held` if the connection lasts until `end`.

    is_reading: go on after the status, a byte a second.
    """
    loop = asyncio.get_running_loop()
    with socket.socket() as connection:
        connection.setblocking(False)  # noqa: FBT003  # socket's own signature
        # A reset frees the port at once, so that thousands of connections can be renewed.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        await loop.sock_connect(connection, ("127.0.0.1", port))
        first = b""
        with suppress(TimeoutError):
            async with asyncio.timeout_at(loop.time() + max(0.0, end - time.monotonic())):
                await loop.sock_sendall(connection, data)
                first = await loop.sock_recv(connection, 512)
                status = first[9:12].decode(errors="replace")
                while is_reading and status == "200" and await loop.sock_recv(connection, 1):  # noqa: ASYNC110
                    await asyncio.sleep(SECONDS_BETWEEN_READS)
                return _told(int(status), first) if status.isdecimal() else "closed"
        return f"held after {first[9:12].decode()}" if first else "held"


def _raise_open_file_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _header(path: str, length: int) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


def _json_batch(name: str, shape: tuple[int, ...]) -> bytes:
    """A body of nearly the largest size; the first dimension of `shape` is replaced."""
    row = 1
    for length in shape[1:]:
        row *= length
    number = b"-123.45,"
    rows = (LARGEST_BATCH - 1_000) // (row * len(number))
    data = number * (rows * row)
    tensors = {"name": name, "shape": [rows, *shape[1:]], "datatype": "FP32", "data": "DATA"}
    inputs = [tensors]
    if len(shape) > 2:
        lengths = {"name": "lengths", "shape": [rows], "datatype": "INT64"}
        inputs.append({**lengths, "data": [shape[1]] * rows})
    text = json.dumps({"inputs": inputs}).encode()
    return text.replace(b'"DATA"', b"[" + data[:-1] + b"]")


def _binary_batch(
    network: str, name: str, shape: tuple[int, ...], *, binary_output: bool = True
) -> bytes:
    """A request with tensors in binary; a first dimension of -1 stands for the largest."""
    row = 4
    for length in shape[1:]:
        row *= length
    largest = min(MAXIMUM_ROWS, (LARGEST_BATCH - 1_000) // (row + 8))
    rows = shape[0] if shape[0] > 0 else largest
    inputs = [_binary_tensor(name, [rows, *shape[1:]], "FP32", rows * row)]
    data = bytes(rows * row)
    if len(shape) > 2:
        inputs.append(_binary_tensor("lengths", [rows], "INT64", rows * 8))
        data += struct.pack("<q", shape[1]) * rows
    head = json.dumps(
        {"inputs": inputs, "parameters": {"binary_data_output": binary_output}}
    ).encode()
    headers = (f"Inference-Header-Content-Length: {len(head)}",)
    return request(f"/v2/models/{network}/infer", head + data, headers=headers)


def _binary_tensor(name: str, shape: list[int], datatype: str, size: int) -> dict[str, object]:
    parameters = {"binary_data_size": size}
    return {"name": name, "shape": shape, "datatype": datatype, "parameters": parameters}
