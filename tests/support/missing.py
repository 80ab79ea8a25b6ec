"""Skips tests whose components are not installed."""

import os
from typing import NoReturn

import pytest

MISSING = "missing: "  # before every reason: the summary at the end of a run finds them by it
CORPORA = (
    "docs/corpora.md says where to get a corpus; put it there, or name the folder that has "
    "yours: SER_DATA_CORPORA_PATH=FOLDER"
)


def missing(reason: str) -> NoReturn:
    """Skips the test; in CI, fails it. The reason should say how to install the component."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(f"{MISSING}{reason}")
