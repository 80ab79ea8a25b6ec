"""Debian's Firefox without a window; its protocol Marionette has WebDriver's commands."""

import contextlib
import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.harness import DEADLINE, wait_until

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # of WebDriver
PREFERENCES = {
    "marionette.port": 0,  # any
    "media.navigator.permission.disabled": True,
    "media.navigator.streams.fake": True,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.disabledForTesting": True,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "browser.safebrowsing.update.enabled": False,
    "services.settings.server": "data:,",
    "extensions.systemAddon.update.enabled": False,
}


@dataclass
class Firefox:
    """A session in a Firefox that runs."""

    connection: socket.socket
    received: bytes = b""
    commands: int = 0

    def command(self, name: str, **parameters: Any) -> Any:
        """The result of a command of WebDriver.

        Raises:
            AssertionError: Firefox answers with an error.
        """
        self.commands += 1
        message = json.dumps([0, self.commands, f"WebDriver:{name}", parameters]).encode()
        self.connection.sendall(b"%d:%b" % (len(message), message))
        _, number, error, result = self.read()
        assert number == self.commands
        assert error is None, error
        return result

    def read(self) -> Any:
        """The next message."""
        while b":" not in self.received:
            self._receive()
        length, self.received = self.received.split(b":", 1)
        while len(self.received) < int(length):
            self._receive()
        message = self.received[: int(length)]
        self.received = self.received[int(length) :]
        return json.loads(message)

    def _receive(self) -> None:
        found = self.connection.recv(65_536)
        assert found, "Firefox has ended"
        self.received += found

    def open(self, url: str) -> None:
        self.command("Navigate", url=url)

    def evaluate(self, script: str) -> Any:
        """The value of an expression."""
        return self.command("ExecuteScript", script=f"return {script}", args=[])["value"]

    def wait_for(self, script: str) -> None:
        """Waits until an expression is true."""
        wait_until(lambda: bool(self.evaluate(script)), script)

    def click(self, selector: str) -> None:
        self.command("ElementClick", id=self._find(selector))

    def choose_file(self, selector: str, path: Path) -> None:
        self.command("ElementSendKeys", id=self._find(selector), text=str(path.resolve()))

    def _find(self, selector: str) -> str:
        found = self.command("FindElement", using="css selector", value=selector)
        element: str = found["value"][ELEMENT]
        return element


@contextlib.contextmanager
def started_firefox(program: str, profile: Path) -> Iterator[Firefox]:
    """Starts Firefox with a microphone that hums.

    profile: an empty folder.
    """
    lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in PREFERENCES.items()]
    (profile / "user.js").write_text("\n".join(lines), encoding="utf-8")
    command = [program, "--headless", "--marionette", "--no-remote", "--profile", str(profile)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        port = profile / "MarionetteActivePort"
        wait_until(lambda: port.exists() and port.read_text() != "", "Firefox listens")
        address = ("127.0.0.1", int(port.read_text()))
        with socket.create_connection(address, DEADLINE) as connection:
            firefox = Firefox(connection)
            firefox.read()  # its greeting
            firefox.command("NewSession", capabilities={})
            yield firefox
    finally:
        process.terminate()
        process.wait(DEADLINE)
        shutil.rmtree(profile, ignore_errors=True)
