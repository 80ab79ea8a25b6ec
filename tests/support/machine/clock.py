"""A wall clock that a test moves while a server runs. The monotonic clocks stay true."""

import mmap
import shutil
import struct
import subprocess
from pathlib import Path

from tests.support.missing import missing

SOURCE = Path(__file__).with_name("wall_clock.c")
SHIFT = struct.Struct("q")  # seconds


class WallClock:
    """The wall clock of all processes that start with `variables` in their environment.

    folder: receives the compiled library and the file that the processes map.
    """

    def __init__(self, folder: Path) -> None:
        shift = folder / "wall_clock_shift"
        shift.write_bytes(SHIFT.pack(0))
        with shift.open("r+b") as file:
            self._shift = mmap.mmap(file.fileno(), SHIFT.size)
        self.variables = {
            "LD_PRELOAD": str(_build(folder / "wall_clock.so")),
            "WALL_CLOCK_SHIFT": str(shift),
        }

    def shift(self, seconds: int) -> None:
        """Moves the clock to the true time plus `seconds`, at once and in every process."""
        SHIFT.pack_into(self._shift, 0, seconds)


def _build(library: Path) -> Path:
    compiler = shutil.which("cc")
    if compiler is None:
        missing("A C compiler is missing: sudo apt-get install gcc libc6-dev")
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", SOURCE, "-o", library], check=True)
    return library
