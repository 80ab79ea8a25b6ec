"""Publishes the API keys of a file to all workers at once."""

from pathlib import Path

from server.http.key_files import KeyFileError, keep_keys, read_keys
from server.launch.logs import log

Version = tuple[int, int, int]


class KeyPublisher:
    """Copies the keys of a file when it has changed; the workers read the copy.

    A changed file is read when it was the same at two checks, so that no half-written one is read.

    source: the key file.
    published: the copy.
    """

    def __init__(self, source: Path, published: Path) -> None:
        self._source = source
        self._published = published
        self._seen: Version | None = None
        self._copied: Version | None = None
        self._failure = ""

    def publish(self) -> None:
        """Copies the keys now.

        Raises:
            KeyFileError: the file cannot be used.
            OSError: the copy cannot be written.
        """
        self._seen = self._copied = _version(self._source)
        keep_keys(read_keys(self._source), self._published)

    def renew(self) -> None:
        """Copies the keys if the file has changed; logs a failure once. To be called often."""
        try:
            self._publish_if_changed()
        except (OSError, KeyFileError) as error:
            if self._failure != str(error):
                self._failure = str(error)
                log("error", f"the keys stay as they were: {error}")
        else:
            self._failure = ""

    def _publish_if_changed(self) -> None:
        seen, self._seen = self._seen, _version(self._source)
        if self._seen == self._copied or self._seen != seen:
            return
        keys = read_keys(self._source)
        if _version(self._source) == seen:
            keep_keys(keys, self._published)
            self._copied = seen


def _version(path: Path) -> Version:
    status = path.stat()
    return status.st_mtime_ns, status.st_size, status.st_ino
