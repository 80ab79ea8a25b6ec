"""Published clients of version 1 get the responses of version 1, byte for byte.

version_1/exchanges.jsonl was recorded from the server of version 1 (commit 0fe99c4) behind Nginx.
The clients were OkHttp 3.13 with Gson 2.10 as in the Android app, Java's own client, fetch and
urllib3 with the headers of generated clients, tritonclient, curl, and this project's Python and
TypeScript packages of that version. Only the text of a warning, which is for people, is today's.
The networks beside it only add and divide numbers of few bits, so every machine gets the same
results.
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from server.problems.messages import OUTSIDE_TRAINING_DISTRIBUTION
from tests.support.harness import ROOT, Server, running
from tests.support.version_1 import (
    FEATURES,
    FOLDER,
    Exchange,
    Response,
    contains,
    read_exchanges,
    send,
)

EXCHANGES = read_exchanges()
CLIENTS = sorted({exchange.client for exchange in EXCHANGES})
# These documents may gain members.
MAY_GROW = frozenset({"/init/configuration", "/configuration/init", "/v2"})
OLD_WARNING = (
    "These MFCCs are outside the distribution that the network was trained on; the prediction is "
    "not reliable. POST /init/verification checks whether a client computes its features correctly."
)
DOCUMENTS = [exchange for exchange in EXCHANGES if exchange.path in MAY_GROW]


@pytest.fixture(scope="module", params=["without recordings", "with recordings"])
def server(
    request: pytest.FixtureRequest, nginx: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server of these networks, with and without the extractors for recordings."""
    models = tmp_path_factory.mktemp("models")
    files = [ROOT / "models" / name for name in FEATURES]
    if request.param == "with recordings":
        files += [*(ROOT / "models").glob("extractor-*.onnx"), *(ROOT / "models").glob("*.wav")]
    for file in [*files, *FOLDER.glob("*.onnx")]:
        shutil.copy(file, models)
    with running(tmp_path_factory.mktemp("run"), SER_MODELS_DIRECTORY=models) as server:
        yield server


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_gets_the_recorded_bytes(server: Server, client: str) -> None:
    own = [exchange for exchange in EXCHANGES if exchange.client == client]
    same = [exchange for exchange in own if exchange.path not in MAY_GROW]
    assert same
    for exchange in same:
        expected = with_todays_warning(exchange.response)
        assert send(server.port, exchange.request) == expected, exchange.head


@pytest.mark.parametrize("exchange", DOCUMENTS, ids=lambda found: found.client + found.path)
def test_a_client_finds_every_recorded_member(server: Server, exchange: Exchange) -> None:
    found, recorded = send(server.port, exchange.request), exchange.response
    assert found.status == recorded.status
    assert without_length(found) == without_length(recorded)
    assert contains(json.loads(found.body), json.loads(recorded.body)), found.body


def with_todays_warning(recorded: Response) -> Response:
    """The response with today's text in place of that of version 1."""
    body = recorded.body.replace(OLD_WARNING, OUTSIDE_TRAINING_DISTRIBUTION)
    growth = len(body) - len(recorded.body)
    headers = [
        [name, str(int(text) + growth) if name.lower() == "content-length" and growth else text]
        for name, text in recorded.headers
    ]
    return replace(recorded, body=body, headers=headers)


def without_length(response: Response) -> list[list[str]]:
    """The headers but for the length of the body."""
    return [line for line in response.headers if line[0].lower() != "content-length"]
