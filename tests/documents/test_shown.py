"""Answers in the documents are what the commands beside them print."""

from collections.abc import Iterator

import pytest

from tests.documents.shown import SHOWN, Shown, same
from tests.support.harness import Server, running


@pytest.fixture(scope="module")
def server(nginx: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("run")) as server:
        yield server


@pytest.mark.parametrize("shown", SHOWN, ids=lambda shown: shown.document)
def test_the_document_shows_what_its_command_prints(shown: Shown, server: Server) -> None:
    printed = shown.printed(server)
    assert same(shown.shown, printed), f"it prints {printed}: python -m tests.documents --write"


def test_another_answer_is_told_apart() -> None:
    assert same("0.568360:0:angry", "0.568361:0:angry")
    assert not same("0.568360:0:angry", "0.578360:0:angry")
    assert not same("0.568360:0:angry", "0.568360:0:happy")
