"""`docker compose`: its file is valid, and fits the server, the rules and the dashboard."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from configuration import ROOT
from server.settings import load_settings
from tests.deploy.test_prometheus import DASHBOARD, RULES

COMPOSE = ROOT / "deploy" / "compose"
# Of the Compose Specification: https://github.com/compose-spec/compose-spec
SCHEMA = Path(__file__).with_name("compose_spec.json")


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((COMPOSE / name).read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = read("compose.yaml")["services"]
    return found


def mounts(service: dict[str, Any]) -> dict[str, Path]:
    """The files of this repository that a container has, by their path in it."""
    pairs = (volume.split(":") for volume in service["volumes"])
    return {pair[1]: (COMPOSE / pair[0]).resolve() for pair in pairs if pair[0].startswith(".")}


def test_the_file_has_the_schema_of_compose() -> None:
    validator = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text(encoding="utf-8")))
    document = read("compose.yaml")
    assert list(validator.iter_errors(document)) == []
    document["services"]["server"]["mem_limits"] = "768m"
    assert "mem_limits" in next(validator.iter_errors(document)).message


def test_every_file_of_a_container_exists_and_every_volume_is_declared(
    services: dict[str, Any],
) -> None:
    volumes = set()
    for service in services.values():
        assert all(path.is_file() for path in mounts(service).values())
        volumes |= {v.split(":")[0] for v in service["volumes"] if not v.startswith(".")}
    assert volumes == read("compose.yaml")["volumes"].keys()
    assert (COMPOSE / services["server"]["build"]["context"] / "Dockerfile").resolve().is_file()


def test_the_server_takes_its_settings_and_has_no_privileges(
    services: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = services["server"]
    for name, value in server["environment"].items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    (state,) = server["volumes"]
    assert state.split(":")[1] == str(settings.models.state_directory)
    assert server["ports"] == [f"127.0.0.1:8080:{settings.server.port}"]
    assert server["read_only"]
    assert (server["cap_drop"], server["security_opt"]) == (["ALL"], ["no-new-privileges:true"])
    (job,) = read("prometheus.yaml")["scrape_configs"]
    (target,) = job["static_configs"]
    assert target["targets"] == [f"server:{settings.server.operator_port}"]


def test_every_port_is_open_on_this_machine_alone(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service["ports"]]
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert len({port.split(":")[1] for port in ports}) == len(services) == 3


def test_prometheus_accepts_its_configuration(
    services: dict[str, Any], promtool: str, tmp_path: Path
) -> None:
    service = services["prometheus"]
    (option,) = (o for o in service["command"] if o.startswith("--config.file="))
    mounted = mounts(service)
    text = mounted[option.partition("=")[2]].read_text(encoding="utf-8")
    (rules,) = yaml.safe_load(text)["rule_files"]
    assert mounted[rules] == RULES
    copy = tmp_path / "prometheus.yaml"
    copy.write_text(text.replace(rules, os.fspath(RULES)), encoding="utf-8")
    run = subprocess.run(
        [promtool, "check", "config", copy], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_grafana_shows_the_dashboard_with_prometheus_as_its_source(
    services: dict[str, Any],
) -> None:
    service = services["grafana"]
    (source,) = read("grafana/datasource.yaml")["datasources"]
    port = services["prometheus"]["ports"][0].split(":")[-1]
    assert (source["type"], source["url"]) == ("prometheus", f"http://prometheus:{port}")
    assert source["isDefault"]
    (provider,) = read("grafana/dashboards.yaml")["providers"]
    home = service["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert mounts(service)[home] == DASHBOARD
    assert str(Path(home).parent) == provider["options"]["path"]
    variables = json.loads(DASHBOARD.read_text(encoding="utf-8"))["templating"]["list"]
    assert variables[0]["query"] == source["type"]
