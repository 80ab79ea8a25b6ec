"""The entry point of the package: `Client(server).predict(recording)`."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import numpy as np
import soundfile
from numpy.typing import NDArray

from speech_emotion.audio import Clip, Float32, clip_of_samples, read_clip, read_windows
from speech_emotion.contract import Contract, NetworkDescription, fetch_contract
from speech_emotion.errors import WrongServerError
from speech_emotion.extractor import Extractor, cache_directory, check_hash, fetch_extractor
from speech_emotion.transport import Transport

DEFAULT_SERVER = "http://localhost:8080"
DECIMALS = 4  # of a posted coefficient: float32 has no more at this magnitude


@dataclass(frozen=True)
class InputWarning:
    """The input lies outside the training distribution; do not rely on the prediction."""

    code: str
    detail: str
    distance: float
    limit: float


@dataclass(frozen=True)
class Prediction:
    """The emotion probabilities of one recording, or of one window of it."""

    network: str
    start: float  # seconds after the recording's beginning
    end: float
    probabilities: dict[str, float]  # by emotion, in alphabetical order; they sum to 1
    warning: InputWarning | None

    @property
    def emotion(self) -> str:
        """The most probable emotion."""
        return max(self.probabilities, key=self.probabilities.__getitem__)

    @property
    def probability(self) -> float:
        """The probability of the most probable emotion, 0 to 1."""
        return self.probabilities[self.emotion]


@dataclass(frozen=True)
class Verification:
    """The server's verdict on the features that this machine computed from the reference clip."""

    form: Literal["vector", "frames"]
    verdict: str  # "agreement", "mistake" or "unrecognised"
    detail: str

    @property
    def agrees(self) -> bool:
        """Whether the features agree with the server's, so that predictions are reliable."""
        return self.verdict == "agreement"


class Client:
    """Predicts emotions with a server.

    Features are computed locally by the server's own extractor; no audio leaves this machine.
    The handshake and the extractor are fetched on first use and then kept.
    """

    def __init__(self, server: str = DEFAULT_SERVER, cache: Path | None = None) -> None:
        """Stores the address; the connection is made on first use.

        Args:
            server: address, optionally with a path prefix: `https://example.org/emotions`.
            cache: folder for extractors; by default `~/.cache/speech-emotion`.

        Raises:
            InvalidAddressError: the address is not an http or https URL.
        """
        self._transport = Transport(server)
        self._cache = cache or cache_directory()

    @cached_property
    def contract(self) -> Contract:
        """The server's handshake: the sample rate and the networks."""
        return fetch_contract(self._transport)

    @cached_property
    def _extractor(self) -> Extractor:
        return fetch_extractor(self._transport, self.contract.extractor, self._cache)

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
        description = self.contract.network(network)
        for clip in read_windows(Path(path), self.contract.sample_rate, every):
            yield self._predict(clip, description)

    def verify(self) -> list[Verification]:
        """Computes the features of the server's reference clip and posts them for verification.

        Raises:
            SpeechEmotionError: one of the errors of `speech_emotion.errors`.
        """
        resource = self.contract.reference
        content = self._transport.get(resource.path)
        check_hash("reference clip", content, resource)
        samples, rate = soundfile.read(BytesIO(content), dtype="float32")
        features = self._extractor(clip_of_samples(samples, rate, self.contract.sample_rate))
        return [self._verify("vector", features.vector), self._verify("frames", features.frames)]

    def _verify(self, form: Literal["vector", "frames"], mfccs: Float32) -> Verification:
        answer = self._post("/init/verification", mfccs)
        try:
            return Verification(form, str(answer["verdict"]), str(answer["detail"]))
        except (KeyError, TypeError) as error:
            raise self._unexpected(error) from error

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
        try:
            probabilities = {r["emotionType"]: float(r["prediction"]) for r in answer["results"]}
            found = answer.get("warning")
            warning = InputWarning(**{key: found[key] for key in _WARNING}) if found else None
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._unexpected(error) from error
        return Prediction(network.name, clip.start, clip.end, probabilities, warning)

    def _post(self, path: str, mfccs: Float32) -> Any:
        rounded = np.round(mfccs.astype(np.float64), DECIMALS)
        return self._transport.post_json(path, {"mfccs": rounded.tolist()})

    def _unexpected(self, error: Exception) -> WrongServerError:
        return WrongServerError(
            f"{self._transport.address} is not a speech emotion server: "
            f"unexpected response: {error!r}"
        )


_WARNING = ("code", "detail", "distance", "limit")
