"""Generates clients of server/openapi.yaml, with the options of docs/clients.md."""

import importlib.util
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from configuration import ROOT
from tests.support.missing import missing
from tests.support.openapi import DESCRIPTION

GUIDE = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
ROW = re.compile(
    r"^\| (?P<language>\S+) \| `--generator-name (?P<generator>\S+)"
    r"(?: --additional-properties (?P<options>\S+))?` \| `(?P<type>.+?)` \|",
    re.MULTILINE,
)
SECONDS = 600
# PERF: no method runs long enough for the second compiler to pay
QUICK_START = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]


@dataclass(frozen=True)
class Language:
    """A row of the guide's table."""

    generator: str
    options: dict[str, str]
    features: str  # the type of `Mfccs.mfccs`


LANGUAGES = {
    row["language"]: Language(
        row["generator"],
        dict(pair.split("=") for pair in (row["options"] or "").split(",") if pair),
        row["type"],
    )
    for row in ROW.finditer(GUIDE)
}


def generator_jar() -> Path:
    """The program; it also holds the libraries of generated Java clients."""
    found = importlib.util.find_spec("openapi_generator_cli")
    if found is None or found.origin is None:
        missing("no openapi-generator-cli: `make .venv-dev` installs it")
    return Path(found.origin).with_name("openapi-generator.jar")


def generate(folder: Path) -> None:
    """Generates every language into a folder of its name; one process is quicker than ten."""
    if shutil.which("java") is None:
        missing("no Java: sudo apt-get install default-jdk-headless")
    settings = [write_settings(folder, name, each) for name, each in LANGUAGES.items()]
    command = ["java", *QUICK_START, "-jar", str(generator_jar()), "batch", "--threads", "1"]
    done = subprocess.run(
        [*command, *settings], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def write_settings(folder: Path, name: str, language: Language) -> Path:
    path = folder / f"{name}.json"
    document = {
        "generatorName": language.generator,
        "inputSpec": str(DESCRIPTION),
        "outputDir": str(folder / name),
        "additionalProperties": language.options,
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return path
