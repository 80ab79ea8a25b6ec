"""The entry point of the package: `Client(server).predict(recording)`."""

from collections.abc import Callable, Iterator
from functools import cached_property
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from speech_emotion import answers
from speech_emotion.answers import Prediction, Verification
from speech_emotion.audio import Clip, Float32, clip_of_samples, read_clip, read_windows
from speech_emotion.contract import Contract, NetworkDescription, fetch_contract
from speech_emotion.errors import ExtractorError
from speech_emotion.extractor import Extractor, cache_directory, check_hash, fetch_extractor
from speech_emotion.limits import Limits
from speech_emotion.reference import read_reference
from speech_emotion.transport import Transport
from speech_emotion.untrusted import sha256
from speech_emotion.worker import Worker

DEFAULT_SERVER = "http://localhost:8080"
DEFAULT_LIMITS = Limits()
DECIMALS = 4  # of a posted coefficient: float32 has no more at this magnitude

T = TypeVar("T")


class Client:
    """Predicts emotions with a server.

    Features are computed locally by the server's own extractor; no audio leaves this machine.
    The handshake and the extractor are fetched on first use and then kept.
    """

    def __init__(
        self,
        server: str = DEFAULT_SERVER,
        cache: Path | None = None,
        extractor_sha256: str | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        """Stores the address; the connection is made on first use.

        Args:
            server: address, optionally with a path prefix: `https://example.org/emotions`.
            cache: folder for extractors; by default `~/.cache/speech-emotion`.
            extractor_sha256: 64 hexadecimal digits; an extractor with another hash is refused.
            limits: of time and memory.

        Raises:
            InvalidAddressError: the address is not an http or https URL.
            ValueError: `extractor_sha256` is not a hash.
        """
        self._transport = Transport(server, request_seconds=limits.request_seconds)
        self._cache = cache or cache_directory()
        self._pinned = None if extractor_sha256 is None else sha256(extractor_sha256)
        self._limits = limits

    @cached_property
    def contract(self) -> Contract:
        """The server's handshake: the sample rate and the networks."""
        return fetch_contract(self._transport)

    @cached_property
    def _extractor(self) -> Extractor:
        resource = self.contract.extractor
        if self._pinned not in (None, resource.sha256):
            raise ExtractorError(
                f"The server's extractor has the SHA-256 hash {resource.sha256}; "
                f"expected {self._pinned}. It was not fetched."
            )
        model = fetch_extractor(self._transport, resource, self._cache)
        return Extractor(model, self.contract.recipe, self._limits, self._worker)

    @cached_property
    def _worker(self) -> Worker:
        """The process of the extractor; first used before the handshake, so that both overlap."""
        return Worker(self._limits)

    def predict(
        self,
        audio: str | PathLike[str] | NDArray[Any],
        network: str | None = None,
        sample_rate: int | None = None,
    ) -> Prediction:
        """Predicts the emotion of one recording.

        Args:
            audio: a file that libsndfile reads, of any rate and number of channels; or samples,
                floats in [-1, 1] of shape (n,) or (n, channels). From 0.1 to 600 s.
            network: name, case-insensitive; by default the server's best network.
            sample_rate: sample rate in Hz; required for samples, ignored for files.

        Raises:
            SpeechEmotionError: one of the errors of `speech_emotion.errors`.
        """
        _ = self._worker
        description = self.contract.network(network)
        return self._predict(self._clip(audio, sample_rate), description)

    def predict_windows(
        self, path: str | PathLike[str], every: float, network: str | None = None
    ) -> Iterator[Prediction]:
        """Predicts a recording of any length in windows of `every` seconds (0.2 to 600).

        A remainder shorter than half a window is added to the last window.

        Raises:
            SpeechEmotionError: one of the errors of `speech_emotion.errors`.
        """
        _ = self._worker
        description = self.contract.network(network)
        for clip in read_windows(Path(path), self.contract.sample_rate, every):
            yield self._predict(clip, description)

    def verify(self) -> list[Verification]:
        """Computes the features of the server's reference clip and posts them for verification.

        Raises:
            SpeechEmotionError: one of the errors of `speech_emotion.errors`.
        """
        _ = self._worker
        resource = self.contract.reference
        content = self._transport.get(resource.path)
        check_hash("reference clip", content, resource)
        features = self._extractor(read_reference(content, self.contract.sample_rate))
        return [self._verify("vector", features.vector), self._verify("frames", features.frames)]

    def _verify(self, form: Literal["vector", "frames"], mfccs: Float32) -> Verification:
        answer = self._post("/init/verification", mfccs)
        return self._checked(lambda: answers.verification(answer, form))

    def _clip(self, audio: str | PathLike[str] | NDArray[Any], sample_rate: int | None) -> Clip:
        if not isinstance(audio, np.ndarray):
            return read_clip(Path(fspath(audio)), self.contract.sample_rate)
        if sample_rate is None:
            raise TypeError("samples require a sample_rate")
        return clip_of_samples(audio, sample_rate, self.contract.sample_rate)

    def _predict(self, clip: Clip, network: NetworkDescription) -> Prediction:
        features = self._extractor(clip)
        mfccs = features.vector if network.input == "vector" else features.frames
        answer = self._post(f"/prediction/{quote(network.name, safe='')}", mfccs)
        return self._checked(lambda: answers.prediction(answer, network, clip))

    def _post(self, path: str, mfccs: Float32) -> Any:
        rounded = np.round(mfccs.astype(np.float64), DECIMALS)
        return self._transport.post_json(path, {"mfccs": rounded.tolist()})

    def _checked(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._transport.wrong(f"unexpected response: {error!r}") from error
