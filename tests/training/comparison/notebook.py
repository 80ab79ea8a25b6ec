"""Runs docs/Report_SER.ipynb; as a program it keeps what came of it: `make notebook`."""

import os
import tempfile

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from traitlets.config import Config

from configuration import ROOT

PATH = ROOT / "docs" / "Report_SER.ipynb"
TIMEOUT_SECONDS = 600  # of a cell
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",  # so that sums keep their order
    "PYTHONWARNINGS": "ignore:IProgress not found",  # of a progress bar that nobody shows
}


def read() -> NotebookNode:
    """The notebook as it is kept."""
    notebook: NotebookNode = nbformat.read(PATH, as_version=4)  # type: ignore[no-untyped-call]
    return notebook


def execute() -> NotebookNode:
    """The notebook with new outputs, without anything that differs from run to run.

    Raises:
        CellExecutionError: a cell failed.
    """
    notebook = read()
    with tempfile.TemporaryDirectory() as sockets:  # so that no port is opened
        client = NotebookClient(
            notebook,
            timeout=TIMEOUT_SECONDS,
            resources={"metadata": {"path": str(PATH.parent)}},
            record_timing=False,
            config=Config({"KernelManager": {"transport": "ipc", "ip": f"{sockets}/kernel"}}),
        )
        client.execute(env={**os.environ, **ENVIRONMENT})
    notebook.metadata.language_info = {"name": "python"}
    return notebook


if __name__ == "__main__":
    nbformat.write(execute(), PATH)  # type: ignore[no-untyped-call]
