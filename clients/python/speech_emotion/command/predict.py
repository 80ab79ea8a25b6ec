"""`emotion predict`."""

import argparse
import shutil
import sys
from collections.abc import Callable, Iterator

from speech_emotion.answers import Prediction
from speech_emotion.client import Client
from speech_emotion.command.connection import connect
from speech_emotion.command.files import process
from speech_emotion.command.networks import network_line
from speech_emotion.command.output import PredictionTable, prediction_json
from speech_emotion.command.profile_in_use import ProfileInUse
from speech_emotion.errors import ProfileNameError
from speech_emotion.extraction.features import Features


def predict(options: argparse.Namespace) -> int:
    """Predicts each file, or each window of it."""
    if options.no_update and options.profile is None:
        raise ProfileNameError("--no-update needs --profile NAME")
    client = connect(options)
    client.start()
    network = client.contract.network(options.network)
    table = PredictionTable(
        files=options.files,
        emotions=network.emotions,
        in_windows=options.every is not None,
        width=shutil.get_terminal_size().columns if sys.stdout.isatty() else None,
    )
    profile = ProfileInUse.of(client, options)

    def each(file: str, write: Callable[[str], None]) -> None:
        for features in _features(client, file, options.every):
            prediction = client.predict_features(features, options.network, profile.baseline)
            for line in _lines(table, file, prediction, as_json=options.json):
                write(line)
            profile.add(features, prediction)

    if options.json:
        return process(options.files, None, each)
    return process(options.files, table.header(), each, network_line(network))


def _features(client: Client, file: str, every: float | None) -> Iterator[Features]:
    if every is None:
        yield client.features(file)
    else:
        yield from client.features_of_windows(file, every)


def _lines(
    table: PredictionTable, file: str, prediction: Prediction, *, as_json: bool
) -> list[str]:
    return [prediction_json(file, prediction)] if as_json else table.rows(file, prediction)
