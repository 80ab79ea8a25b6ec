"""The command `emotion`."""

import io
import logging
import os
import sys
from collections.abc import Sequence
from http import HTTPStatus

from speech_emotion.command.connection import KEY_HINT
from speech_emotion.command.output import print_error
from speech_emotion.command.parser import parser
from speech_emotion.errors import ServerProblemError, SpeechEmotionError

INTERRUPTED = 130
BROKEN_PIPE = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    options = parser().parse_args(arguments)
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # hide its warnings about retries
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Pipes get each line at once, and names with invalid characters are escaped.
        sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace")
    try:
        return int(options.run(options))
    except SpeechEmotionError as error:
        needs_key = (
            isinstance(error, ServerProblemError) and error.status == HTTPStatus.UNAUTHORIZED
        )
        print_error(f"{error} ({KEY_HINT})" if needs_key else str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Otherwise the interpreter would report a second error when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
