"""The errors of this package, each with the exit code of the command."""

from typing import ClassVar

from speech_emotion.untrusted import printable


class SpeechEmotionError(Exception):
    """Base class of this package's errors; the message is one line without control characters."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class InvalidAddressError(SpeechEmotionError):
    """The server's address is not an http or https URL."""

    exit_code = 2


class InvalidKeyError(SpeechEmotionError):
    """The API key cannot be sent in a header. The message never has the key."""

    exit_code = 2


class NoServerError(SpeechEmotionError):
    """No server answers at the address, or not in time."""

    exit_code = 3


class WrongServerError(SpeechEmotionError):
    """The address is not a speech emotion server."""

    exit_code = 4


class UnknownNetworkError(SpeechEmotionError):
    """The server has no network of that name."""

    exit_code = 5


class ExtractorError(SpeechEmotionError):
    """The extractor has another hash than expected, or does not keep within its limits."""

    exit_code = 6


class ServerProblemError(SpeechEmotionError):
    """The server refused a request; holds the members of its problem document (RFC 9457)."""

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
    """The audio is unreadable, cut off or empty."""

    exit_code = 8


class AudioTooShortError(AudioError):
    """The audio is shorter than 0.1 s."""

    exit_code = 9


class AudioTooLongError(AudioError):
    """The audio is too long for one prediction."""

    exit_code = 10


class ProfileNameError(SpeechEmotionError):
    """The name of a profile is missing, or not safe as the name of a file."""

    exit_code = 2


class OutputError(SpeechEmotionError):
    """A file for the results cannot be written."""

    exit_code = 13


class MicrophoneError(SpeechEmotionError):
    """There is no microphone, or what is needed to listen to one is not installed."""

    exit_code = 14


class ProfileError(SpeechEmotionError):
    """A profile is missing, damaged, made with other features, or cannot be read or written."""

    exit_code = 12
