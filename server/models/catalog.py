"""The catalog of a models directory: its verified networks and the faults of the other files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from server.models.contract import FeatureContract, read_contract
from server.models.files import EXTRACTOR_NAME, ModelFileError, printable_name
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
) -> NetworkCatalog:
    """Loads and verifies every `*.onnx` file of the directory; collects faults, raises none.

    refused: file names with the reasons why the files are not loaded.
    begin: is called with the name of each file before it is loaded.
    """
    refused = refused or {}
    networks: dict[str, Network] = {}
    faults: dict[str, str] = {}

    def load(path: Path, loaded: Callable[[], T]) -> T | None:
        name = printable_name(path)
        if name in refused:
            faults[name] = refused[name]
            return None
        begin(name)
        try:
            return loaded()
        except ModelFileError as error:
            faults[name] = str(error)
            return None

    extractor = directory / EXTRACTOR_NAME
    contract = load(extractor, lambda: read_contract(directory, maximum_file_bytes))
    for path in sorted(directory.glob("*.onnx"), key=lambda path: path.stem):
        if path == extractor:
            continue
        network = load(path, partial(load_network, path, contract, maximum_file_bytes))
        if network is None:
            continue
        if network.name.lower() in networks:
            faults[path.name] = "has a name that differs from another file's in case only"
            continue
        networks[network.name.lower()] = network
    if not networks and not faults:
        faults["*.onnx"] = "there is no network in the models directory"
    return NetworkCatalog(contract, networks if contract else {}, faults)
