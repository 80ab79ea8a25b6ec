"""`emotion predict`."""

import argparse
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from speech_emotion.client import Client
from speech_emotion.command.connection import client_of
from speech_emotion.command.files import process
from speech_emotion.command.folders import recordings
from speech_emotion.command.networks import network_line
from speech_emotion.command.output import PredictionTable, prediction_json
from speech_emotion.command.profile_in_use import ProfileInUse
from speech_emotion.command.table_file import TableFile
from speech_emotion.errors import ProfileNameError
from speech_emotion.results.timeline import Timeline


def predict(options: argparse.Namespace) -> int:
    """Predicts each file, or each window of it."""
    if options.no_update and options.profile is None:
        raise ProfileNameError("--no-update needs --profile NAME")
    files = recordings(options.files, recursive=options.recursive)
    client = client_of(options)
    client.start()
    network = client.contract.network(options.network)
    profile = ProfileInUse.of(client, options)
    with ExitStack() as stack:
        sheet = None
        if options.csv is not None:
            sheet = stack.enter_context(TableFile.opened(options.csv, network.emotions))
        table = _table(options, files, network.emotions)

        def each(file: str, write: Callable[[str], None]) -> None:
            for timeline in _timelines(client, profile, file, options):
                if sheet:
                    sheet.add(file, timeline.overall)
                for line in _lines(table, file, timeline, options):
                    write(line)

        on_failure = sheet.add_failure if sheet else None
        if options.json or sheet:
            code = process(files, None, each, on_failure=on_failure)
        else:
            code = process(files, table.header(), each, network_line(network))
        if sheet and not options.json:
            print(f"{options.csv}: {sheet.rows:,} rows, {sheet.failed:,} of them errors")
    return code


def _timelines(
    client: Client, profile: ProfileInUse, file: str, options: argparse.Namespace
) -> Iterator[Timeline]:
    """One for the recording, or one for each window that was asked for."""
    if options.every is None:
        parts = client.features_of_parts(file, options.network)
    else:
        parts = client.features_of_windows(file, options.every)
    found = []
    for features in parts:
        prediction = client.predict_features(features, options.network, profile.baseline)
        if options.every is not None:
            yield Timeline([prediction])
        found.append(prediction)
        profile.add(features, prediction)
    if options.every is None:
        yield Timeline(found)


def _table(
    options: argparse.Namespace, files: list[str], emotions: tuple[str, ...]
) -> PredictionTable:
    return PredictionTable(
        files=files,
        emotions=emotions,
        in_windows=options.every is not None,
        width=shutil.get_terminal_size().columns if sys.stdout.isatty() else None,
    )


def _lines(
    table: PredictionTable, file: str, timeline: Timeline, options: argparse.Namespace
) -> list[str]:
    if options.json:
        return [prediction_json(file, timeline)]
    return [] if options.csv else table.rows(file, timeline)
