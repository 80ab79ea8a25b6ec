"""The Kubernetes manifests are valid and consistent with each other and with the server."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from configuration import ROOT
from server.settings import ServerSettings
from tests.support.missing import missing

KUBERNETES = ROOT / "deploy" / "kubernetes"
# Debian has it as kubernetes-client from Debian 13 on; that of Debian 12 is 1.20.
KUBECTL = "kubectl 1.21 or newer: https://kubernetes.io/docs/tasks/tools/"
SCHEMAS = Path(kubernetes_validate.__file__).with_name("kubernetes-json-schema")
MINOR_VERSIONS = sorted(int(p.name.split(".")[1]) for p in SCHEMAS.glob("v1.*.0-local"))
NEWEST = [f"1.{minor}" for minor in MINOR_VERSIONS[-3:]]
FOLDERS = ("base", "kserve")
OVERLAYS = ("ingress", "tls")
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


@pytest.fixture(scope="module", params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> tuple[str, dict[str, Manifest]]:
    """The name of an overlay, and what kubectl makes of it, by kind."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        missing(f"kubectl is missing: {KUBECTL}")
    folder = KUBERNETES / "overlays" / request.param
    made = subprocess.run(
        [kubectl, "kustomize", folder], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, f"{made.stderr}; expected {KUBECTL}"
    return request.param, {found["kind"]: found for found in yaml.safe_load_all(made.stdout)}


def test_an_overlay_is_valid_and_keeps_the_base(overlay: tuple[str, dict[str, Manifest]]) -> None:
    name, found = overlay
    base = manifests("base")
    assert set(found) == set(base) | ({"Ingress"} if name == "ingress" else set())
    for kind, manifest in found.items():
        if kind not in CUSTOM_RESOURCES:
            kubernetes_validate.validate(manifest, NEWEST[-1], strict=True)
    (container,) = found["Deployment"]["spec"]["template"]["spec"]["containers"]
    (of_base,) = pod("base")["containers"]
    assert container["securityContext"] == of_base["securityContext"]
    assert [v for v in of_base["env"] if v not in container["env"]] == []


def test_an_overlay_serves_https(overlay: tuple[str, dict[str, Manifest]]) -> None:
    name, found = overlay
    service = found["Service"]
    ports = {port["name"]: port["port"] for port in service["spec"]["ports"]}
    if name == "ingress":
        rule, entry = found["Ingress"]["spec"]["rules"][0], found["Ingress"]["spec"]["tls"][0]
        backend = rule["http"]["paths"][0]["backend"]["service"]
        assert backend["name"] == service["metadata"]["name"]
        assert backend["port"]["name"] in ports
        assert (entry["hosts"], entry["secretName"]) == ([rule["host"]], "speech-emotion")
        return
    assert ports == {"http": 443, "metrics": 9090}
    spec = found["Deployment"]["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    paths = {v["name"]: v["value"] for v in container["env"]}
    (mount,) = [m for m in container["volumeMounts"] if m["name"] == "tls"]
    assert paths["SER_SERVER_TLS_CERTIFICATE_PATH"] == f"{mount['mountPath']}/tls.crt"
    assert paths["SER_SERVER_TLS_KEY_PATH"] == f"{mount['mountPath']}/tls.key"
    probes = [container[key] for key in container if key.endswith("Probe")]
    assert {probe["httpGet"]["scheme"] for probe in probes} == {"HTTPS"}
    assert len(probes) == 3
    # The key is not readable for all: root owns it, and the server's group reads it.
    (volume,) = [v for v in spec["volumes"] if v["name"] == "tls"]
    assert volume["secret"]["defaultMode"] == 0o440
    assert spec["securityContext"]["fsGroup"] == spec["securityContext"]["runAsGroup"]


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
