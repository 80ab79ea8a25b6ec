"""CONTRIBUTING.md lists the files that a prediction passes through."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from falcon.testing import TestClient

from configuration import ROOT

BODY = f'{{"mfccs": {[0.5] * 25}}}'
COUNTING = ("server/metrics/", "server/paths.py")


@contextmanager
def entered_files() -> Iterator[set[str]]:
    """The files of the server whose functions are called meanwhile."""
    files: set[str] = set()

    def record(frame: FrameType, event: str, _: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(ROOT / "server"):
            files.add(path.relative_to(ROOT).as_posix())

    sys.setprofile(record)
    try:
        yield files
    finally:
        sys.setprofile(None)


def test_a_prediction_passes_through_the_documented_files(client: TestClient) -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition("## How a prediction is made")[2].partition("## ")[0]
    documented = re.findall(r"^\d\. `(server/[\w/]+\.py)`", section, re.MULTILINE)
    headers = {"Content-Type": "application/json"}
    with entered_files() as files:
        answer = client.simulate_post("/prediction/DNN", body=BODY, headers=headers)
    assert answer.status_code == 200
    passed = {file for file in files if not file.startswith(COUNTING)}
    assert passed == set(documented)
    assert len(documented) <= 7
