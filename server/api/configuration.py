"""`GET /init/configuration`: the features that clients must compute, and the networks."""

from typing import Any

import msgspec

from server.models.catalog import NetworkCatalog
from server.models.contract.extractors import INPUT, OUTPUTS, RecordingExtractor
from server.models.contract.feature_contract import FeatureContract
from server.models.contract.references import ReferenceClip
from server.models.network import Network

EXTRACTOR_PATH = "/init/mfcc.onnx"
REFERENCE_PATH = "/init/reference.wav"
RECORDING_EXTRACTOR_PATH = "/init/extractor-{rate}.onnx"
OTHER_REFERENCE_PATH = "/init/reference-{clip}.wav"
NETWORK_PATH = "/init/networks/{network_type}.onnx"
INFERENCE_PATH = "/v2/models/{name}/infer"


def describe(
    contract: FeatureContract, catalog: NetworkCatalog, maximum_frames: int, *, downloads: bool
) -> dict[str, Any]:
    """The handshake as JSON members; `numberOfMfccs` alone is enough for the oldest clients.

    maximum_frames: of one utterance.
    downloads: whether clients get the networks' files.
    """
    frames = {"minimum": 1, "maximum": maximum_frames}
    networks = catalog.networks.values()
    return {
        "numberOfMfccs": contract.n_mfcc,
        "features": contract.recipe,
        "extractor": _describe_extractor(contract),
        "reference": _describe_reference(contract),
        "networks": [
            _describe_network(network)
            | {"frames": frames}
            | (_describe_file(network) if downloads else {})
            for network in networks
        ],
    } | _describe_recordings(contract)


def _describe_extractor(contract: FeatureContract) -> dict[str, Any]:
    return {
        **_pinned(EXTRACTOR_PATH, contract.extractor.sha256),
        "sha256": contract.extractor.sha256,
        "bytes": len(contract.extractor.content),
        "input": "audio",
        "outputs": ["frames", "mfccs"],
    }


def _describe_reference(contract: FeatureContract) -> dict[str, Any]:
    members: dict[str, Any] = msgspec.to_builtins(contract.reference)
    return _pinned(REFERENCE_PATH, contract.reference.sha256) | members


def _describe_recordings(contract: FeatureContract) -> dict[str, Any]:
    """What version 2 of the contract adds; nothing for models without extractors of recordings."""
    if not contract.recordings:
        return {}
    extractors = [_describe_recording(extractor) for extractor in contract.recordings]
    return {
        "recordings": {"input": INPUT, "outputs": OUTPUTS, "extractors": extractors},
        "prosody": contract.prosody,
        "references": [_describe_clip(clip) for clip in contract.references],
    }


def _describe_recording(extractor: RecordingExtractor) -> dict[str, Any]:
    recording, file = extractor.recording, extractor.file
    return {
        "sampleRate": recording.sample_rate,
        **_pinned(RECORDING_EXTRACTOR_PATH.format(rate=recording.sample_rate), file.sha256),
        "sha256": file.sha256,
        "bytes": len(file.content),
        "downmix": recording.downmix,
        "resampling": recording.resampling,
    }


def _describe_clip(clip: ReferenceClip) -> dict[str, Any]:
    return {
        "name": clip.name,
        **_pinned(f"/init/{clip.name}.wav", clip.file.sha256),
        "sha256": clip.file.sha256,
        "sampleRate": clip.sample_rate,
        "channels": clip.channels,
        "samples": clip.samples,
        "frames": clip.frames,
        "mfccs": clip.mfccs,
        "tolerance": clip.tolerance,
    }


def _pinned(path: str, sha256: str) -> dict[str, str]:
    """The address of this version of a file; a request for it fails once another is served."""
    return _address(f"{path}?sha256={sha256}")


def _address(path: str) -> dict[str, str]:
    """A path of the server, and the same relative to the handshake.

    The server does not know the prefix of a proxy before it. Both paths of the handshake have one
    folder.
    """
    return {"url": path, "relativeUrl": f"..{path}"}


def _describe_inference(network: Network) -> dict[str, Any]:
    """How the Open Inference Protocol takes the network's input."""
    return _address(INFERENCE_PATH.format(name=network.name)) | {
        "binary": True,
        "warningDetails": True,
    }


def _describe_network(network: Network) -> dict[str, Any]:
    metadata = network.metadata
    return {
        "networkType": network.name,
        "input": metadata.input,
        "emotions": metadata.labels,
        "speakerIndependentUar": metadata.metrics.speaker_independent_uar,
        "newSpeakers": msgspec.to_builtins(metadata.metrics.new_speakers),
        "otherCorpora": msgspec.to_builtins(metadata.metrics.other_corpora),
        "protocol": metadata.metrics.protocol,
        "corpus": metadata.corpus,
        "intendedUse": metadata.intended_use,
        "optionalMembers": network.optional_members,
        "inference": _describe_inference(network),
    }


def _describe_file(network: Network) -> dict[str, Any]:
    """The file itself, for clients that predict without the server."""
    file = network.file
    address = _pinned(NETWORK_PATH.format(network_type=network.name), file.sha256)
    return {"file": address | {"sha256": file.sha256, "bytes": len(file.content)}}
