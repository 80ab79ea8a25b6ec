"""The entry point of the package: `Client(server).predict(recording)`."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from speech_emotion import answers
from speech_emotion.answers import Prediction, Verification
from speech_emotion.audio import (
    Clip,
    Inputs,
    clip_of_samples,
    parts_of_samples,
    read_clip,
    read_parts,
    read_windows,
)
from speech_emotion.contract import (
    Contract,
    ExtractorFile,
    NetworkDescription,
    Reference,
    Resource,
)
from speech_emotion.errors import ExtractorError
from speech_emotion.extraction.cache import cache_directory, check_hash, fetch_file
from speech_emotion.extraction.extractor import Extractor
from speech_emotion.extraction.features import Features
from speech_emotion.handshake import fetch_contract
from speech_emotion.limits import Limits
from speech_emotion.prediction.members import Members
from speech_emotion.prediction.predictor import Predictor
from speech_emotion.profiles.baseline import Baseline
from speech_emotion.reference import read_reference
from speech_emotion.results.timeline import Timeline
from speech_emotion.transport import Transport
from speech_emotion.untrusted import sha256

DEFAULT_SERVER = "http://localhost:8080"
DEFAULT_LIMITS = Limits()
LONGEST_PART = 60.0  # seconds; the body of a longer clip may be more than a server takes
WINDOW = 3.0  # seconds, of a longer recording


@dataclass(frozen=True, eq=False, repr=False)
class Client:
    """Predicts emotions with a server.

    Features are computed locally by the server's own extractor; no audio leaves this machine.
    The handshake and the extractors are fetched on first use and then kept. A client cannot be
    changed; for another server or other limits, make another one.

    Args:
        server: address, optionally with a path prefix: `https://example.org/emotions`.
        cache: folder for extractors; by default `~/.cache/speech-emotion`.
        extractor_sha256: 64 hexadecimal digits, or several such hashes; an extractor with
            another hash is refused. Of several extractors, that for the sample rate of the
            recording is used, or for the next higher one.
        limits: of time and memory.
        api_key: of the server's operator, if the server needs one; sent to this server alone.

    Raises:
        InvalidAddressError: the address is not an http or https URL.
        InvalidKeyError: `api_key` is empty, or not printable ASCII without spaces.
        ValueError: `extractor_sha256` is not a hash.
    """

    server: str = DEFAULT_SERVER
    cache: Path | None = None
    extractor_sha256: str | Collection[str] | None = None
    limits: Limits = DEFAULT_LIMITS
    api_key: str | None = None

    def __post_init__(self) -> None:
        # Wrong arguments are refused at once, and threads share these.
        _ = self._transport, self._predictor, self._cache, self._pinned
        _ = self._extractor, self._models

    @cached_property
    def _transport(self) -> Transport:
        seconds = self.limits.request_seconds
        return Transport(self.server, request_seconds=seconds, api_key=self.api_key)

    @cached_property
    def _predictor(self) -> Predictor:
        return Predictor(self._transport)

    @cached_property
    def _cache(self) -> Path:
        return self.cache or cache_directory()

    @cached_property
    def _pinned(self) -> frozenset[str] | None:
        return _hashes(self.extractor_sha256)

    @cached_property
    def _extractor(self) -> Extractor:
        return Extractor(self.limits)

    @cached_property
    def _models(self) -> dict[str, bytes]:
        """The extractors that were read, by hash."""
        return {}

    @cached_property
    def contract(self) -> Contract:
        """The server's handshake: the sample rate and the networks."""
        return fetch_contract(self._transport)

    @cached_property
    def _extractors(self) -> dict[int, ExtractorFile]:
        """By sample rate in Hz; raises ExtractorError if none of them may be used."""
        found = self.contract.extractors(self._pinned)
        if not found:
            offered = [*self.contract.recordings, self.contract.extractor]
            raise ExtractorError(
                "The server's extractor has the SHA-256 hash "
                f"{', '.join(file.sha256 for file in offered)}; "
                f"expected {' or '.join(sorted(self._pinned or ()))}. It was not fetched."
            )
        return {file.sample_rate: file for file in found}

    @cached_property
    def _inputs(self) -> Inputs:
        """The audio that the extractors take."""
        most_channels = min(file.most_channels for file in self._extractors.values())
        return Inputs((*self._extractors,), most_channels)

    @property
    def has_prosody(self) -> bool:
        """Whether the extractors return prosody, which prosody networks and baselines need."""
        return all(file.statistics for file in self._extractors.values())

    def start(self) -> None:
        """Starts the extractor's process without waiting for it; it takes some tenths of a second.

        Raises:
            ExtractorError: there is no Python interpreter to start.
        """
        self._extractor.start()

    def predict(
        self,
        audio: str | PathLike[str] | NDArray[Any],
        network: str | None = None,
        sample_rate: int | None = None,
        baseline: Baseline | None = None,
    ) -> Prediction:
        """Predicts the emotion of one recording.

        Args:
            audio: a file of any format that can be read, of any rate, length and number of
                channels; or samples, floats in [-1, 1] of shape (n,) or (n, channels), of at most
                600 s. At least 0.1 s.
            network: name, case-insensitive; by default the server's best network.
            sample_rate: sample rate in Hz; required for samples, ignored for files.
            baseline: of the speaker's earlier clips; sent only to a network that can use it.

        Raises:
            SpeechEmotionError: one of the errors of `speech_emotion.errors`.
        """
        return self.timeline(audio, network, sample_rate, baseline).overall

    def timeline(
        self,
        audio: str | PathLike[str] | NDArray[Any],
        network: str | None = None,
        sample_rate: int | None = None,
        baseline: Baseline | None = None,
    ) -> Timeline:
        """Predicts one recording of any length; arguments as for `predict`.

        One of more than 60 s is predicted in windows of 3 s, as long as the clips that the networks
        were trained on.

        Raises:
            SpeechEmotionError: one of the errors of `speech_emotion.errors`.
        """
        parts = self.features_of_parts(audio, network, sample_rate)
        return Timeline([self.predict_features(part, network, baseline) for part in parts])

    def predict_windows(
        self,
        path: str | PathLike[str],
        every: float,
        network: str | None = None,
        baseline: Baseline | None = None,
    ) -> Iterator[Prediction]:
        """Predicts a recording of any length in windows of `every` seconds (0.2 to 600).

        A remainder shorter than half a window is added to the last window.

        Raises:
            SpeechEmotionError: one of the errors of `speech_emotion.errors`.
        """
        self.start()  # while the handshake is made
        self.contract.network(network)
        for features in self.features_of_windows(path, every):
            yield self.predict_features(features, network, baseline)

    def features(
        self, audio: str | PathLike[str] | NDArray[Any], sample_rate: int | None = None
    ) -> Features:
        """Computes the features of one recording; `audio` and `sample_rate` as for `predict`.

        Raises:
            SpeechEmotionError: one of the errors of `speech_emotion.errors`.
        """
        self.start()  # while the handshake is made
        return self._extract(self._clip(audio, sample_rate))

    def features_of_parts(
        self,
        audio: str | PathLike[str] | NDArray[Any],
        network: str | None = None,
        sample_rate: int | None = None,
    ) -> Iterator[Features]:
        """Computes the features of one recording, or of the windows of a long one, as `timeline`.

        Raises:
            SpeechEmotionError: one of the errors of `speech_emotion.errors`.
        """
        self.start()  # while the handshake is made
        # An unknown network is an error before the audio is read.
        longest = self._longest_part(self.contract.network(network))
        window = min(WINDOW, longest / 1.5)  # the last window may be half as long again
        if isinstance(audio, np.ndarray):
            parts = parts_of_samples(self._clip(audio, sample_rate), longest, window)
        else:
            parts = read_parts(Path(fspath(audio)), self._inputs, longest, window)
        yield from map(self._extract, parts)

    def _longest_part(self, network: NetworkDescription) -> float:
        """Seconds that are predicted at once: as many as the server takes, but at most 60."""
        if network.most_frames is None:
            return LONGEST_PART
        recipe = self.contract.recipe
        taken = (network.most_frames - 1) * recipe.hop_length / recipe.sample_rate
        return min(LONGEST_PART, taken)

    def features_of_windows(self, path: str | PathLike[str], every: float) -> Iterator[Features]:
        """Computes the features of the windows of a recording, as `predict_windows`.

        Raises:
            SpeechEmotionError: one of the errors of `speech_emotion.errors`.
        """
        self.start()  # while the handshake is made
        yield from map(self._extract, read_windows(Path(path), self._inputs, every))

    def predict_features(
        self, features: Features, network: str | None = None, baseline: Baseline | None = None
    ) -> Prediction:
        """Predicts the emotion of a recording whose features are known.

        Raises:
            SpeechEmotionError: one of the errors of `speech_emotion.errors`.
        """
        return self._predictor.predict(features, self.contract.network(network), baseline)

    def verify(self) -> list[Verification]:
        """Computes the features of the server's reference clips and posts them for verification.

        Raises:
            SpeechEmotionError: one of the errors of `speech_emotion.errors`.
        """
        self.start()  # while the handshake is made
        named = bool(self.contract.references)  # a server of version 1 has one, without a name
        found: list[Verification] = []
        for reference in self._references():
            found += self._verify(reference, {"reference": reference.name} if named else {})
        return found

    def _references(self) -> list[Reference]:
        """The reference clips for the extractors; raises ExtractorError if there is none."""
        found = [
            reference
            for reference in self.contract.references or [self.contract.reference]
            if reference.sample_rate in self._extractors
            and reference.channels <= self._inputs.most_channels
        ]
        if not found:
            rates = ", ".join(map(str, self._extractors))
            raise ExtractorError(
                f"The server has no reference clip for the extractor of {rates} Hz; "
                "allow that of another sample rate too"
            )
        return found

    def _verify(self, reference: Reference, members: dict[str, Any]) -> list[Verification]:
        content = self._transport.get(reference.path)
        check_hash("reference clip", content, reference)
        features = self._extract(read_reference(content, reference))
        vector = Members(features.vector).document()
        frames = Members(features.frames, features.prosody).document()
        return [
            *self._ask("vector", vector | members, reference),
            *self._ask("frames", frames | members, reference),
        ]

    def _ask(
        self, form: Literal["vector", "frames"], document: dict[str, Any], reference: Reference
    ) -> list[Verification]:
        answer = self._transport.post_json("/init/verification", document)
        with_prosody = "prosody" in document
        return self._transport.checked(
            lambda: answers.verifications(answer, form, reference.name, with_prosody=with_prosody)
        )

    def _clip(self, audio: str | PathLike[str] | NDArray[Any], sample_rate: int | None) -> Clip:
        if not isinstance(audio, np.ndarray):
            return read_clip(Path(fspath(audio)), self._inputs)
        if sample_rate is None:
            raise TypeError("samples require a sample_rate")
        return clip_of_samples(audio, sample_rate, self._inputs)

    def _extract(self, clip: Clip) -> Features:
        file = self._extractors[clip.sample_rate]
        if file.sha256 not in self._models:
            self._models[file.sha256] = self._fetch("extractor", file)
        return self._extractor(clip, self.contract.recipe, file, self._models[file.sha256])

    def _fetch(self, what: str, file: Resource) -> bytes:
        """The content of a file of the server; `what` it is, for messages."""
        return fetch_file(what, self._transport, file, self._cache)


def _hashes(pinned: str | Collection[str] | None) -> frozenset[str] | None:
    """The hashes of the extractors that may be used; None: of all. Raises ValueError."""
    if pinned is None:
        return None
    return frozenset(map(sha256, [pinned] if isinstance(pinned, str) else pinned))
