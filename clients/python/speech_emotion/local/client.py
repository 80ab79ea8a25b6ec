"""A client that runs the networks itself."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from speech_emotion.answers import Prediction
from speech_emotion.client import Client
from speech_emotion.contract import Contract, NetworkDescription, Resource
from speech_emotion.errors import UnknownNetworkError
from speech_emotion.extraction.features import Features
from speech_emotion.local.folder import ModelFolder
from speech_emotion.local.network import LocalNetwork
from speech_emotion.profiles.baseline import Baseline


@dataclass(frozen=True, eq=False, repr=False)
class LocalClient(Client):
    """Predicts as `Client`, but posts nothing: networks are files of the server, or of a folder.

    Args:
        server: address; not used if there is a folder.
        cache: as for `Client`; networks are kept in it too.
        extractor_sha256: as for `Client`.
        limits: as for `Client`; of each of two processes.
        api_key: as for `Client`.
        models: a network's file or a folder of networks, with the extractors beside it.

    Raises:
        ExtractorError: the folder has no network or no extractor.
    """

    models: Path | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self._folder, self._networks

    @cached_property
    def _folder(self) -> ModelFolder | None:
        return None if self.models is None else ModelFolder(self.models)

    @cached_property
    def _networks(self) -> dict[str, LocalNetwork]:
        """Those that were read, by hash."""
        return {}

    @cached_property
    def contract(self) -> Contract:
        """The server's handshake, or that of the folder."""
        return super().contract if self._folder is None else self._folder.contract

    def predict_features(
        self, features: Features, network: str | None = None, baseline: Baseline | None = None
    ) -> Prediction:
        """Predicts the emotion of a recording whose features are known, on this machine.

        Raises:
            UnknownNetworkError: there is no such network, or the server does not offer its file.
            ExtractorError: the file has another hash, cannot be run, or answers wrongly.
        """
        description = self.contract.network(network)
        return self._network(description).predict(features, description, baseline)

    def _network(self, description: NetworkDescription) -> LocalNetwork:
        file = description.file
        if file is None:
            raise UnknownNetworkError(
                f"The server does not offer the file of {description.name} (its operator sets "
                "`downloads = yes`); predict without --local, or with --models PATH"
            )
        if file.sha256 not in self._networks:
            model = self._fetch(f"network {description.name}", file)
            self._networks[file.sha256] = LocalNetwork(description.name, model, self.limits)
        return self._networks[file.sha256]

    def _fetch(self, what: str, file: Resource) -> bytes:
        return super()._fetch(what, file) if self._folder is None else self._folder.read(file)
