"""`GET /init/configuration`: the features that clients must compute, and the networks."""

from typing import Any

import msgspec

from server.models.catalog import NetworkCatalog
from server.models.contract import FeatureContract
from server.models.network import Network

EXTRACTOR_PATH = "/init/mfcc.onnx"
REFERENCE_PATH = "/init/reference.wav"


def describe(contract: FeatureContract, catalog: NetworkCatalog) -> dict[str, Any]:
    """The handshake as JSON members; `numberOfMfccs` alone is enough for the oldest clients."""
    return {
        "numberOfMfccs": contract.n_mfcc,
        "features": contract.recipe,
        "extractor": _describe_extractor(contract),
        "reference": _describe_reference(contract),
        "networks": [_describe_network(network) for network in catalog.networks.values()],
    }


def _describe_extractor(contract: FeatureContract) -> dict[str, Any]:
    return {
        "url": _pinned(EXTRACTOR_PATH, contract.extractor.sha256),
        "sha256": contract.extractor.sha256,
        "bytes": len(contract.extractor.content),
        "input": "audio",
        "outputs": ["frames", "mfccs"],
    }


def _describe_reference(contract: FeatureContract) -> dict[str, Any]:
    members: dict[str, Any] = msgspec.to_builtins(contract.reference)
    return {"url": _pinned(REFERENCE_PATH, contract.reference.sha256)} | members


def _pinned(path: str, sha256: str) -> str:
    """The URL of this version of the file; a request for it fails once another is served."""
    return f"{path}?sha256={sha256}"


def _describe_network(network: Network) -> dict[str, Any]:
    metadata = network.metadata
    return {
        "networkType": network.name,
        "input": metadata.input,
        "emotions": metadata.labels,
        "speakerIndependentUar": metadata.metrics.speaker_independent_uar,
        "protocol": metadata.metrics.protocol,
        "corpus": metadata.corpus,
        "intendedUse": metadata.intended_use,
    }
