"""The Kubernetes manifests are valid and consistent with each other and with the server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from configuration import ROOT
from server.settings import ServerSettings

KUBERNETES = ROOT / "deploy" / "kubernetes"
SCHEMAS = Path(kubernetes_validate.__file__).with_name("kubernetes-json-schema")
MINOR_VERSIONS = sorted(int(p.name.split(".")[1]) for p in SCHEMAS.glob("v1.*.0-local"))
NEWEST = [f"1.{minor}" for minor in MINOR_VERSIONS[-3:]]
FOLDERS = ("base", "kserve")
# Custom resources of operators; Kubernetes has no schemas of them.
CUSTOM_RESOURCES = {"ServiceMonitor", "ServingRuntime", "InferenceService"}

Manifest = dict[str, Any]


def read(path: Path) -> Manifest:
    document: Manifest = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document


def manifests(folder: str) -> dict[str, Manifest]:
    """The manifests of a folder by kind; kustomization.yaml must list all of them."""
    directory = KUBERNETES / folder
    names = read(directory / "kustomization.yaml")["resources"]
    others = {path.name for path in directory.glob("*.yaml")} - {"kustomization.yaml"}
    assert others == set(names)
    found = [read(directory / name) for name in names]
    return {manifest["kind"]: manifest for manifest in found}


def pod(folder: str) -> Manifest:
    """The specification of the server's pods."""
    found = manifests(folder)
    if folder == "base":
        template: Manifest = found["Deployment"]["spec"]["template"]["spec"]
        return template
    spec = found["ServingRuntime"]["spec"]
    return {"containers": spec["containers"], "volumes": spec["volumes"]}


def checked() -> Iterator[Manifest]:
    for folder in FOLDERS:
        yield from (m for kind, m in manifests(folder).items() if kind not in CUSTOM_RESOURCES)
        metadata = {"name": "as-in-" + folder}
        yield {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod(folder)}


@pytest.mark.parametrize("version", NEWEST)
@pytest.mark.parametrize(
    "manifest", list(checked()), ids=lambda m: m["kind"] + m["metadata"]["name"]
)
def test_a_manifest_is_valid(manifest: Manifest, version: str) -> None:
    kubernetes_validate.validate(manifest, version, strict=True)


def test_an_invalid_manifest_is_detected() -> None:
    manifest = manifests("base")["Deployment"]
    manifest["spec"]["template"]["spec"]["containers"][0]["livenesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="livenesProbe"):
        kubernetes_validate.validate(manifest, NEWEST[-1], strict=True)


def test_all_selectors_match_the_server_s_pods() -> None:
    found = manifests("base")
    labels = found["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert found["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert found["Service"]["spec"]["selector"] == labels
    assert found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert found["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    assert found["ServiceMonitor"]["spec"]["selector"]["matchLabels"] == labels
    assert found["Service"]["metadata"]["labels"] == labels
    target = found["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert target["name"] == found["Deployment"]["metadata"]["name"]


def test_all_ports_exist() -> None:
    found = manifests("base")
    (container,) = pod("base")["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    variables = {v["name"]: v["value"] for v in container["env"]}
    assert ports["http"] == ServerSettings().port
    assert ports["metrics"] == int(variables["SER_SERVER_OPERATOR_PORT"])
    named = {port["targetPort"] for port in found["Service"]["spec"]["ports"]}
    for rule in found["NetworkPolicy"]["spec"]["ingress"]:
        named |= {port["port"] for port in rule["ports"]}
    named |= {container[p]["httpGet"]["port"] for p in container if p.endswith("Probe")}
    assert named == ports.keys()
    of_service = {port["name"] for port in found["Service"]["spec"]["ports"]}
    assert {end["port"] for end in found["ServiceMonitor"]["spec"]["endpoints"]} <= of_service


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_server_runs_without_privileges(folder: str) -> None:
    (container,) = pod(folder)["containers"]
    security = pod(folder).get("securityContext", {}) | container["securityContext"]
    assert security["runAsNonRoot"]
    assert security["runAsUser"] > 0
    assert security["readOnlyRootFilesystem"]
    assert not security["allowPrivilegeEscalation"]
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["resources"]["limits"].keys() == {"cpu", "memory"}
    writable = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert writable == {"/tmp"}
    assert all(v["emptyDir"]["medium"] == "Memory" for v in pod(folder)["volumes"])


def test_kserve_has_one_runtime_with_its_protocol() -> None:
    found = manifests("kserve")
    runtime, service = found["ServingRuntime"], found["InferenceService"]
    model = service["spec"]["predictor"]["model"]
    assert model["runtime"] == runtime["metadata"]["name"]
    assert [model["protocolVersion"]] == runtime["spec"]["protocolVersions"] == ["v2"]
    (supported,) = runtime["spec"]["supportedModelFormats"]
    assert model["modelFormat"].items() <= supported.items()
    (container,) = runtime["spec"]["containers"]
    assert container["name"] == "kserve-container"
    paths = {container[p]["httpGet"]["path"] for p in container if p.endswith("Probe")}
    assert paths == {"/v2/health/live", "/v2/health/ready"}
