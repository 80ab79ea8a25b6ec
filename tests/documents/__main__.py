"""python -m tests.documents --write: shows in the documents what their commands print now."""

import argparse
import tempfile
from pathlib import Path

from tests.documents.shown import SHOWN, same
from tests.support.harness import running


def main() -> int:
    """The exit code is 1 if a document shows something else and is not to be written."""
    parser = argparse.ArgumentParser(prog="python -m tests.documents", description=__doc__)
    parser.add_argument("--write", action="store_true", help="update the documents")
    options = parser.parse_args()
    status = 0
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as server:
        for each in SHOWN:
            printed = each.printed(server)
            if same(each.shown, printed):
                continue
            print(f"{each.document}: shows\n{each.shown}\nbut the command prints\n{printed}")
            if options.write:
                each.write(printed)
            else:
                status = 1
    return status


if __name__ == "__main__":
    raise SystemExit(main())
