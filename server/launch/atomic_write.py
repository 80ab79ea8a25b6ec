"""Files that other processes read at any moment."""

import os
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Writes a file so that whoever reads it sees the old content or the new one, never a part."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
