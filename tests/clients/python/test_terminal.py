"""The output of the command on a terminal."""

import fcntl
import os
import pty
import struct
import subprocess
import termios
from pathlib import Path

import pytest

from tests.clients.python.conftest import DEADLINE
from tests.support.harness import EMOTION

SIZE = (24, 80)  # lines, columns


def on_terminal(
    command: list[str], environment: dict[str, str], *, both: bool, folder: Path | None = None
) -> tuple[str, str]:
    """Runs a command with stderr, and with `both` stdout too, on a terminal.

    Returns standard output and the text on the terminal.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=theirs if both else subprocess.PIPE,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while chunk := os.read(ours, 65_536):
                shown += chunk
        except OSError:  # Linux reports the closed other side as an error
            pass
        output = process.stdout.read() if process.stdout else b""
        assert process.wait(DEADLINE) == 0
    os.close(ours)
    return output.decode(), shown.decode()


@pytest.mark.parametrize(("count", "bar"), [(1, False), (3, True)])
def test_a_progress_bar_is_shown_for_many_files_on_a_terminal(
    count: int, bar: bool, server: str, environment: dict[str, str], tone: Path
) -> None:
    command = [EMOTION, "predict", *[str(tone)] * count]
    arguments = [*command, "--json", "--server", server]
    output, shown = on_terminal(arguments, environment, both=False)
    assert len(output.splitlines()) == count
    assert (f"0/{count}" in shown) is bar


def test_rows_fit_the_terminal(server: str, environment: dict[str, str], tone: Path) -> None:
    tone = tone.rename(tone.parent / ("tone" * 20 + ".wav"))
    command = [EMOTION, "predict", tone.name, "--server", server]
    _, shown = on_terminal(command, environment, both=True, folder=tone.parent)
    row = shown.splitlines()[1]
    assert len(row) == 80
    assert row.endswith("…")


def test_a_closed_pipe_ends_the_command_without_a_message(
    server: str, environment: dict[str, str], tone: Path
) -> None:
    command = [EMOTION, "predict", *[str(tone)] * 50]
    with subprocess.Popen(
        [*command, "--json", "--server", server],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(DEADLINE) == 141
