"""Batches over the Open Inference Protocol: their speed, and their effect on single predictions.

    python -m benchmarks.batches speed     # compared with a bare ONNX Runtime loop, one core
    python -m benchmarks.batches fairness  # single predictions while batches stream, two workers

Only ratios within a round are compared: absolute figures drift with the machine.
"""

import argparse
import http.client
import json
import os
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from benchmarks.contenders import PATH, STACK, V2_PATH
from benchmarks.load import Client, Load
from benchmarks.payloads import CLIP, MFCCS
from benchmarks.processes import cpu_seconds
from benchmarks.serving import JSON, BenchmarkError, serving, two_cores
from server.processes import adopt_orphans
from server.settings import load_settings

OUTPUTS = ["probabilities", "distance"]
OCTETS = "application/octet-stream"
LOWEST_SHARE = 0.55  # of the bare loop
LOWEST_RATE = 1_000_000  # predictions a second
LARGEST_RATIO = 3.0  # p99 with batches to p99 without
SECONDS_BETWEEN = 0.002  # pause between single predictions

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Body:
    """The body of a batch request."""

    content: bytes
    json_bytes: int | None  # None: the body is JSON only


def vectors_of(rows: int) -> Vectors:
    """Vectors with the scale of speech: float32 (rows, 25)."""
    scale = np.array([200.0, 60.0, *[20.0] * 23])
    return np.random.default_rng(0).normal(0, scale, (rows, 25)).astype(np.float32)


def binary_body(vectors: Vectors) -> Body:
    given = {
        "name": "mfccs",
        "shape": vectors.shape,
        "datatype": "FP32",
        "parameters": {"binary_data_size": vectors.nbytes},
    }
    text = json.dumps({"inputs": [given], "parameters": {"binary_data_output": True}}).encode()
    return Body(text + vectors.tobytes(), len(text))


def json_body(vectors: Vectors) -> Body:
    """A JSON body with numbers rounded as clients do."""
    data = [round(value, 3) for value in vectors.ravel().tolist()]
    given = {"name": "mfccs", "shape": vectors.shape, "datatype": "FP32", "data": data}
    return Body(json.dumps({"inputs": [given]}, separators=(",", ":")).encode(), None)


def open_session() -> onnxruntime.InferenceSession:
    """A session with one thread, as in the server."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    model = load_settings().models.directory / "DNN.onnx"
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def check(port: int, vectors: Vectors, body: Body) -> None:
    """Compares an answer with the output of ONNX Runtime.

    Raises:
        BenchmarkError: they differ, or the request failed.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Inference-Header-Content-Length": str(body.json_bytes), "Content-Type": OCTETS}
    connection.request("POST", V2_PATH, body.content, headers)
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    if response.status != http.HTTPStatus.OK:
        raise BenchmarkError(f"status {response.status}: {answer.decode(errors='replace')}")
    start = int(response.headers["Inference-Header-Content-Length"])
    expected = open_session().run(OUTPUTS, {"mfccs": vectors})[0]
    found = np.frombuffer(answer, "<f4", expected.size, start).reshape(expected.shape)
    if not np.allclose(found, expected, rtol=0, atol=1e-5):
        raise BenchmarkError("the answer differs from the output of ONNX Runtime")


@dataclass(frozen=True)
class Turn:
    """The measurements of one turn."""

    rate: float  # predictions per second
    cpu: float  # microseconds of CPU time per prediction, including Nginx


def bare_turn(vectors: Vectors, core: int, seconds: float) -> Turn:
    """Measures a loop that only calls ONNX Runtime."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        run, feed = open_session().run, {"mfccs": vectors}
        start, cpu, calls = time.perf_counter(), time.process_time(), 0
        while time.perf_counter() - start < seconds:
            run(OUTPUTS, feed)
            calls += 1
        rows = calls * len(vectors)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        return Turn(rows / seconds, cpu / rows * 1e6)
    finally:
        os.sched_setaffinity(0, allowed)


def served_turn(client: Client, port: int, body: Body, options: argparse.Namespace) -> Turn:
    """Measures requests through Nginx and a worker on one core."""
    cpu = cpu_seconds()
    load = ask(client, port, body, options.connections, options.seconds)
    rows = load.answers * options.rows
    return Turn(rows / load.seconds, (cpu_seconds() - cpu) / rows * 1e6)


def ask(client: Client, port: int, body: Body, connections: int, seconds: int) -> Load:
    url = f"http://127.0.0.1:{port}{V2_PATH}"
    return client.ask(url, body.content, connections, seconds, body.json_bytes)


def speed(options: argparse.Namespace) -> bool:
    """Measure the speed of batches; true if binary batches are fast enough."""
    server_core, client_core = two_cores()
    vectors = vectors_of(options.rows)
    bodies = {"binary": binary_body(vectors), "JSON": json_body(vectors)}
    client, stack = Client(client_core), replace(STACK, variables={"SER_SERVER_WORKERS": "1"})
    turns: dict[str, list[Turn]] = {name: [] for name in ("bare loop", *bodies)}
    with serving(stack, server_core) as port:
        check(port, vectors, bodies["binary"])
        for _ in range(options.rounds):
            turns["bare loop"].append(bare_turn(vectors, server_core, options.seconds))
            for name, body in bodies.items():
                turns[name].append(served_turn(client, port, body, options))
    print(f"batches of {options.rows:,} vectors, DNN, {options.connections} connections, one core")
    shares = {name: report(name, found, turns["bare loop"]) for name, found in turns.items()}
    rate = statistics.median(turn.rate for turn in turns["binary"])
    return shares["binary"] >= LOWEST_SHARE and rate >= LOWEST_RATE


def report(name: str, turns: list[Turn], bare: list[Turn]) -> float:
    """Prints a line; returns the median share of the bare loop's rate."""
    pairs = list(zip(turns, bare, strict=True))
    shares = [turn.rate / base.rate for turn, base in pairs]
    rate, share = statistics.median(turn.rate for turn in turns), statistics.median(shares)
    cpu = statistics.median(base.cpu / turn.cpu for turn, base in pairs)
    print(
        f"{name}: {rate:,.0f} predictions a second, {share:.2f} of the bare loop "
        f"({min(shares):.2f} to {max(shares):.2f}), by CPU time {cpu:.2f}"
    )
    return share


def single_latencies(port: int, seconds: float) -> list[float]:
    """The latencies of consecutive single predictions, in seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    body, found = MFCCS.body(CLIP), []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        connection.request("POST", PATH, body, {"Content-Type": JSON})
        response = connection.getresponse()
        response.read()
        found.append(time.perf_counter() - start)
        if response.status != http.HTTPStatus.OK:
            raise BenchmarkError(f"status {response.status}")
        time.sleep(SECONDS_BETWEEN)
    connection.close()
    return found


def fairness(options: argparse.Namespace) -> bool:
    """Measure single predictions beside batches; true if they stay fast enough."""
    vectors = vectors_of(options.rows)
    body = json_body(vectors) if options.json else binary_body(vectors)
    stack = replace(STACK, variables={"SER_SERVER_WORKERS": "2"})
    with serving(stack, *two_cores()) as port:
        ratios = [fairness_turn(port, body, options) for _ in range(options.rounds)]
    print(f"p99, with to without: {statistics.median(ratios):.2f} (limit {LARGEST_RATIO:.1f})")
    return statistics.median(ratios) <= LARGEST_RATIO


def fairness_turn(port: int, body: Body, options: argparse.Namespace) -> float:
    """The p99 of single predictions beside batches, divided by the p99 without batches."""
    alone = percentiles(single_latencies(port, options.seconds))
    client, seconds = Client(two_cores()[1]), options.seconds + 2
    with ThreadPoolExecutor(1) as streams:
        streaming = streams.submit(ask, client, port, body, options.connections, seconds)
        time.sleep(1)
        beside = percentiles(single_latencies(port, options.seconds))
        rate = streaming.result().rate * options.rows
    print(
        f"p50, p99 alone {alone[0]:.2f}, {alone[1]:.2f} ms; beside {rate:,.0f} predictions a "
        f"second in batches {beside[0]:.2f}, {beside[1]:.2f} ms"
    )
    return beside[1] / alone[1]


def percentiles(seconds: list[float]) -> tuple[float, float]:
    """The median and the 99th percentile, in milliseconds."""
    median, late = np.percentile(seconds, [50, 99]) * 1000
    return float(median), float(late)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batches", description=__doc__)
    parser.set_defaults(rounds=5, seconds=3, connections=4)
    parts = parser.add_subparsers(required=True)
    for part, rows in ((speed, 1_024), (fairness, 8_192)):
        added = parts.add_parser(part.__name__, help=part.__doc__)
        added.set_defaults(part=part)
        added.add_argument("--rounds", type=int, default=5)
        added.add_argument("--seconds", type=int, default=3, help="of each turn")
        added.add_argument("--rows", type=int, default=rows)
        added.add_argument("--connections", type=int, default=4)
        added.add_argument("--json", action="store_true", help="send the batches as JSON")
    options = parser.parse_args()
    adopt_orphans()
    try:
        return int(not options.part(options))
    except BenchmarkError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
