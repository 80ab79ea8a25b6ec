"""Goes through the files of a command with a progress bar; a file that fails does not end it."""

from collections.abc import Callable, Sequence
from pathlib import Path

from tqdm import tqdm

from speech_emotion.command.output import print_error
from speech_emotion.errors import AudioError, ServerProblemError, SpeechEmotionError


def process(
    files: Sequence[str],
    header: str | None,
    each: Callable[[str, Callable[[str], None]], None],
    footer: str | None = None,
    on_failure: Callable[[str, SpeechEmotionError], None] | None = None,
) -> int:
    """Processes each file; returns the exit code of the first that failed, or 0.

    Args:
        files: their names.
        header: the first line of the output, if any.
        each: gets the name of a file, and a function that prints a line.
        footer: the last line after an empty one, unless all files failed.
        on_failure: gets the name of a file that failed, and the error.
    """
    exit_code = failed = 0
    # None: show the bar only if stderr is a terminal.
    hidden = None if len(files) > 1 else True
    with tqdm(files, unit="file", leave=False, disable=hidden) as bar:
        if header is not None:
            bar.write(header)
        for file in bar:
            try:
                each(file, bar.write)
            except (AudioError, ServerProblemError) as error:
                exit_code = exit_code or error.exit_code
                failed += 1
                print_error(_named(file, error))
                if on_failure:
                    on_failure(file, error)
        if footer is not None and failed < len(files):
            bar.write(f"\n{footer}")
    return exit_code


def _named(file: str, error: SpeechEmotionError) -> str:
    """The message with the file's name; that of an AudioError begins with it already."""
    hint = ""
    if isinstance(error, ServerProblemError) and error.status == 413:
        hint = " Use windows (--every SECONDS)."
    if Path(file).is_dir():
        hint = "; `emotion predict --recursive` takes folders"
    return f"{error}{hint}" if isinstance(error, AudioError) else f"{file}: {error}{hint}"
