"""Everything that can go wrong, in words for a user; the command's exit codes stand here."""

from typing import ClassVar


class SpeechEmotionError(Exception):
    """The base of this package's errors."""

    exit_code: ClassVar[int] = 1


class InvalidAddressError(SpeechEmotionError):
    """The server's address is no http or https URL."""

    exit_code = 2


class NoServerError(SpeechEmotionError):
    """Nothing answers at the address, or not in time."""

    exit_code = 3


class WrongServerError(SpeechEmotionError):
    """Something answers at the address, but not as a speech emotion server does."""

    exit_code = 4


class UnknownNetworkError(SpeechEmotionError):
    """The server has no network of that name."""

    exit_code = 5


class ExtractorError(SpeechEmotionError):
    """The server's extractor is not what the handshake promised, or cannot be run."""

    exit_code = 6


class ServerProblemError(SpeechEmotionError):
    """The server refused a request, with the members of its problem document (RFC 9457)."""

    exit_code = 7

    def __init__(
        self, status: int, title: str, detail: str, kind: str = "about:blank", pointer: str = ""
    ) -> None:
        super().__init__(f"{title}: {detail}" if detail else title)
        self.status = status
        self.title = title
        self.detail = detail
        self.kind = kind
        self.pointer = pointer


class AudioError(SpeechEmotionError):
    """Audio that no features can be taken from: unreadable, cut off or empty."""

    exit_code = 8


class AudioTooShortError(AudioError):
    """Audio under 0.1 s."""

    exit_code = 9


class AudioTooLongError(AudioError):
    """Audio that is too long to be taken in one piece."""

    exit_code = 10
