"""Tells by its first bytes whether a file is of a kind that libsndfile does not read."""

from dataclasses import dataclass
from pathlib import Path

HEAD = 12  # bytes


@dataclass(frozen=True)
class Kind:
    """A container of audio."""

    name: str  # for people
    demuxer: str  # of ffmpeg, the only one that may read the file


MP4 = Kind("m4a, mp4 or 3gp", "mov")
MATROSKA = Kind("webm or mka", "matroska")
AAC = Kind("aac", "aac")
AMR = Kind("amr", "amr")


def kind_of(path: Path) -> Kind | None:
    """The kind of a file; None: libsndfile may read it, or it cannot be read at all."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError:
        return None  # libsndfile says why
    if head[4:8] in (b"ftyp", b"moov", b"mdat"):
        return MP4
    if head.startswith(b"\x1aE\xdf\xa3"):
        return MATROSKA
    if head.startswith(b"#!AMR"):
        return AMR
    # 12 bits of ones, and a layer of 0, which no MP3 has.
    is_aac = len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0
    return AAC if is_aac else None
