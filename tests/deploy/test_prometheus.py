"""The alert rules and the dashboard use existing metrics."""

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from configuration import ROOT
from server.models.catalog import load_catalog

RULES = ROOT / "deploy" / "prometheus" / "rules.yaml"
TESTS = RULES.with_name("tests.yaml")
DASHBOARD = ROOT / "deploy" / "grafana" / "dashboard.json"
METRIC = re.compile(r"\bspeech_emotion_\w+")
RECORDED = re.compile(r"\b\w+:speech_emotion_\w+:\w+")


@pytest.fixture(scope="module")
def exported() -> set[str]:
    """The names of all metrics that the server exports."""
    import falcon.testing

    from server.app import create_app
    from server.settings import ModelSettings, ServerSettings, Settings
    from server.worker_resources import WorkerResources

    models = ROOT / "models"
    settings = Settings(ServerSettings(), ModelSettings(models))
    # A server with a runtime directory has a share of the memory for each worker.
    shared = replace(WorkerResources.acquire(settings.server, None), memory_share=1)
    app = create_app(settings, load_catalog(models), shared=shared)
    client = falcon.testing.TestClient(app)
    header = {"X-Nginx-Counts": ",503,1"}
    client.simulate_get("/metrics")
    return set(METRIC.findall(client.simulate_get("/metrics", headers=header).text))


def test_the_operator_s_guide_lists_all_metrics(exported: set[str]) -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    section = text.partition("## Metrics")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    named = {f"speech_emotion_{name}" for row in rows for name in re.findall(r"`(\w+)`", row)}
    parts = ("_bucket", "_sum", "_count")
    families = {next((n.removesuffix(p) for p in parts if n.endswith(p)), n) for n in exported}
    assert families - {n for n in families if n.endswith("_created")} == named


def expressions(path: Path) -> str:
    if path == DASHBOARD:
        panels = json.loads(path.read_text(encoding="utf-8"))["panels"]
        return "\n".join(target["expr"] for p in panels for target in p.get("targets", []))
    groups = yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    return "\n".join(rule["expr"] for group in groups for rule in group["rules"])


def test_the_rules_pass_their_tests(promtool: str) -> None:
    for action in (["check", "rules", str(RULES)], ["test", "rules", str(TESTS)]):
        run = subprocess.run([promtool, *action], capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout + run.stderr


def test_every_alert_has_a_test() -> None:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    tests = yaml.safe_load(TESTS.read_text(encoding="utf-8"))["tests"]
    alerts = {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}
    assert {t["alertname"] for test in tests for t in test.get("alert_rule_test", [])} == alerts


@pytest.mark.parametrize("path", [RULES, DASHBOARD], ids=lambda path: path.name)
def test_every_used_metric_exists(path: Path, exported: set[str]) -> None:
    text = expressions(path)
    recorded = set(RECORDED.findall(text))
    names = set(METRIC.findall(RECORDED.sub("", text)))
    assert names
    assert names <= exported
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    assert recorded <= {rule.get("record") for group in groups for rule in group["rules"]}
