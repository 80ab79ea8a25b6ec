"""Single predictions while batches of the Open Inference Protocol stream, with two workers.

Only ratios within a round are compared: absolute figures drift with the machine.
"""

import argparse
import http.client
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from benchmarks.contenders import BATCHES, CORES_OF_WORKERS, DNN, STACK
from benchmarks.load import Client
from benchmarks.payloads import REST, V2, V2_BINARY, Body
from benchmarks.serving import JSON, BenchmarkError, serving, usable_cores
from server.processes import adopt_orphans

LARGEST_RATIO = 3.0  # p99 with batches to p99 without
SECONDS_BETWEEN = 0.002  # pause between single predictions


def single_latencies(port: int, seconds: float) -> list[float]:
    """The latencies of consecutive single predictions, in seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    body, found = REST.write(DNN.mfccs()).content, []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        connection.request("POST", STACK.path, body, {"Content-Type": JSON})
        response = connection.getresponse()
        response.read()
        found.append(time.perf_counter() - start)
        if response.status != http.HTTPStatus.OK:
            raise BenchmarkError(f"status {response.status}")
        time.sleep(SECONDS_BETWEEN)
    connection.close()
    return found


def race(options: argparse.Namespace) -> bool:
    """Measures single predictions beside batches; true if they stay fast enough."""
    chosen = V2 if options.json else V2_BINARY
    body = chosen.write(replace(BATCHES, shape=(options.rows, 25)).mfccs())
    variables = {"SER_SERVER_WORKERS": "2"}
    with serving(replace(STACK, variables=variables, cores=CORES_OF_WORKERS)) as port:
        ratios = [turn(port, body, options) for _ in range(options.rounds)]
    print(f"p99, with to without: {statistics.median(ratios):.2f} (limit {LARGEST_RATIO:.1f})")
    return statistics.median(ratios) <= LARGEST_RATIO


def turn(port: int, body: Body, options: argparse.Namespace) -> float:
    """The p99 of single predictions beside batches, divided by the p99 without batches."""
    alone = percentiles(single_latencies(port, options.seconds))
    url = f"http://127.0.0.1:{port}{V2.path.format(network=DNN.network)}"
    client, seconds = Client(usable_cores()[-1]), options.seconds + 2
    with ThreadPoolExecutor(1) as streams:
        streaming = streams.submit(client.ask, url, body, options.connections, seconds)
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
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fairness", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of each turn")
    parser.add_argument("--rows", type=int, default=8_192, help="of a batch")
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--json", action="store_true", help="send the batches as JSON")
    options = parser.parse_args()
    adopt_orphans()
    try:
        return int(not race(options))
    except BenchmarkError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
