"""`emotion live`: predicts what the microphone hears, window by window."""

import argparse
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speech_emotion.client import Client
from speech_emotion.command.connection import client_of
from speech_emotion.command.networks import network_line
from speech_emotion.command.output import prediction_json, window_row
from speech_emotion.errors import MicrophoneError
from speech_emotion.results.timeline import Timeline

Block = NDArray[np.float32]
INSTALL = "pip install 'speech-emotion-client[live]'"
SOURCE = "microphone"


def live(options: argparse.Namespace) -> int:
    """Prints a row for each window, until Ctrl-C or for so many windows."""
    client = client_of(options)
    client.start()
    network = client.contract.network(options.network)
    with _microphone(options.device, options.every) as (windows, sample_rate):
        if not options.json:
            print(f"Listening at {sample_rate:,} Hz; Ctrl-C ends. {network_line(network)}")
        for line in lines(client, islice(windows, options.windows), sample_rate, options):
            print(line, flush=True)
    return 0


def lines(
    client: Client, windows: Iterable[Block], sample_rate: int, options: argparse.Namespace
) -> Iterator[str]:
    """One line of text or JSON for each window of mono samples, (n,)."""
    for index, samples in enumerate(windows):
        features = client.features(samples, sample_rate)
        start = index * options.every
        prediction = client.predict_features(features.moved_to(start), options.network)
        if options.json:
            yield prediction_json(SOURCE, Timeline([prediction]))
        else:
            yield window_row(prediction)


@contextmanager
def _microphone(device: str | None, seconds: float) -> Iterator[tuple[Iterator[Block], int]]:
    """Windows of mono samples, and their sample rate in Hz; raises MicrophoneError."""
    try:
        import sounddevice  # noqa: PLC0415 -- an optional dependency
    except ImportError:
        raise MicrophoneError(f"`emotion live` needs sounddevice: {INSTALL}") from None
    except OSError as error:  # sounddevice found no PortAudio
        raise MicrophoneError(
            f"`emotion live` needs the PortAudio library ({error}); on Debian and Ubuntu: "
            "apt install libportaudio2"
        ) from None
    named = int(device) if device and device.isdigit() else device
    try:
        found = sounddevice.query_devices(named, "input")
        sample_rate = int(found["default_samplerate"])
        with sounddevice.InputStream(sample_rate, device=named, channels=1) as stream:
            yield _windows(stream, round(seconds * sample_rate)), sample_rate
    except (sounddevice.PortAudioError, ValueError) as error:
        raise MicrophoneError(f"The microphone cannot be used: {error}") from error


def _windows(stream: Any, size: int) -> Iterator[Block]:
    """What the microphone hears, without a gap as long as predictions are quicker than speech."""
    while True:
        block, _ = stream.read(size)
        yield block[:, 0]
