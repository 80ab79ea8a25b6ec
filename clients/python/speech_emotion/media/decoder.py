"""The program that decodes a file: PyAV in a process with limited rights, or ffmpeg."""

import shutil
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from speech_emotion.errors import AudioError
from speech_emotion.media.kinds import Kind

MODULE = "speech_emotion_worker.decoder"
MISSING = (
    "{path}: {kind}, which needs PyAV or ffmpeg, and neither is installed: "
    "pip install 'speech-emotion-client[media]', or install ffmpeg"
)


@dataclass(frozen=True)
class Decoder:
    """A command that reads a file from standard input, or by its name, and writes Sun AU."""

    name: str
    command: list[str]


def find_decoder(path: Path, kind: Kind) -> Decoder:
    """The decoder for a file; raises AudioError if none is installed."""
    if find_spec("av") is not None:
        command = [sys.executable, "-P", "-m", MODULE, kind.demuxer]
        return Decoder("PyAV", command)
    if ffmpeg := shutil.which("ffmpeg"):
        return Decoder("ffmpeg", _ffmpeg(ffmpeg, path, kind))
    raise AudioError(MISSING.format(path=path, kind=kind.name))


def _ffmpeg(program: str, path: Path, kind: Kind) -> list[str]:
    # SECURITY: one demuxer, which opens no other file: none of playlists, and no network.
    source = ["-protocol_whitelist", "file", "-f", kind.demuxer, "-i", f"file:{path.absolute()}"]
    audio = ["-map", "0:a:0", "-c:a", "pcm_f32be", "-f", "au", "pipe:1"]
    quiet = ["-nostdin", "-hide_banner", "-loglevel", "error", "-xerror", "-threads", "1"]
    return [program, *quiet, *source, *audio]
