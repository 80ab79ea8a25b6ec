"""The catalog of a models directory: its verified networks and the faults of the other files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from server.models.contract.extractors import RecordingExtractor, check_shared, read_extractor
from server.models.contract.feature_contract import FeatureContract, read_contract
from server.models.files import (
    EXTRACTOR_NAME,
    RECORDING_EXTRACTORS,
    ModelFileError,
    is_extractor,
    printable_name,
)
from server.models.network import Network, load_network
from server.settings import DEFAULT_MAXIMUM_FILE_BYTES

T = TypeVar("T")


@dataclass(frozen=True)
class NetworkCatalog:
    """All networks of a directory, and the faults of the files that are not served."""

    contract: FeatureContract | None
    networks: Mapping[str, Network]  # by name in lower case, in the order of the names
    faults: Mapping[str, str]  # file name -> reason

    def find(self, name: str) -> Network | None:
        """The network of that name, ignoring case."""
        return self.networks.get(name.lower())

    def fault(self, name: str) -> str | None:
        """Why the network of that name is not served; None if it has no fault or no file."""
        reasons = {Path(file).stem.lower(): reason for file, reason in self.faults.items()}
        return reasons.get(name.lower())

    @property
    def names(self) -> list[str]:
        """Names of the networks, in alphabetical order."""
        return [network.name for network in self.networks.values()]

    @property
    def vector_names(self) -> list[str]:
        """Names of the networks that take one vector, in alphabetical order."""
        return [network.name for network in self.networks.values() if network.takes_vectors]


def load_catalog(
    directory: Path,
    maximum_file_bytes: int = DEFAULT_MAXIMUM_FILE_BYTES,
    refused: Mapping[str, str] | None = None,
    begin: Callable[[str], None] = lambda _: None,
    *,
    run_extractors: bool = True,
) -> NetworkCatalog:
    """Loads and verifies every `*.onnx` file of the directory; collects faults, raises none.

    refused: file names with the reasons why the files are not loaded.
    begin: is called with the name of each file before it is loaded.
    run_extractors: whether the extractors of recordings are tried too; workers only publish them.
    """
    loader = _Loader(directory, maximum_file_bytes, refused or {}, begin)
    contract = loader.contract(run_extractors=run_extractors)
    networks = loader.networks(contract)
    if not networks and not loader.faults:
        loader.faults["*.onnx"] = "there is no network in the models directory"
    return NetworkCatalog(contract, networks if contract else {}, loader.faults)


@dataclass(frozen=True)
class _Loader:
    """Loads the files of one directory, and keeps the faults."""

    directory: Path
    maximum_file_bytes: int
    refused: Mapping[str, str]
    begin: Callable[[str], None]
    faults: dict[str, str] = field(default_factory=dict)

    def contract(self, *, run_extractors: bool) -> FeatureContract | None:
        """The contract of `mfcc.onnx`, with the extractors of recordings."""
        contract = self._load(
            self.directory / EXTRACTOR_NAME,
            lambda: read_contract(self.directory, self.maximum_file_bytes),
        )
        recipe, clip = (contract.recipe, contract.reference.sha256) if contract else (None, None)
        extractors: dict[str, RecordingExtractor] = {}

        def read(path: Path) -> RecordingExtractor:
            found = read_extractor(path, recipe, self.maximum_file_bytes, run=run_extractors)
            check_shared(found, extractors, clip)
            return found

        for path in sorted(self.directory.glob(RECORDING_EXTRACTORS)):
            if extractor := self._load(path, partial(read, path)):
                extractors[path.name] = extractor
        return contract and contract.extended([*extractors.values()])

    def networks(self, contract: FeatureContract | None) -> dict[str, Network]:
        """The networks by name in lower case."""
        networks: dict[str, Network] = {}
        for path in sorted(self.directory.glob("*.onnx"), key=lambda path: path.stem):
            if is_extractor(path):
                continue
            network = self._load(
                path, partial(load_network, path, contract, self.maximum_file_bytes)
            )
            if network is None:
                continue
            if network.name.lower() in networks:
                self.faults[path.name] = "has a name that differs from another file's in case only"
                continue
            networks[network.name.lower()] = network
        return networks

    def _load(self, path: Path, loaded: Callable[[], T]) -> T | None:
        name = printable_name(path)
        if name in self.refused:
            self.faults[name] = self.refused[name]
            return None
        self.begin(name)
        try:
            return loaded()
        except ModelFileError as error:
            self.faults[name] = str(error)
            return None
