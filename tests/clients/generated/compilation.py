"""Builds the programs that send features with generated clients."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from configuration import ROOT
from tests.clients.generated.generation import SECONDS, generator_jar
from tests.support.missing import missing
from tests.support.web.node import NODE_MODULES, find_node

PROGRAMS = Path(__file__).with_name("programs")
PYTHON = ROOT / ".venv-inference-clients" / "bin" / "python"
CRATES = Path("/usr/share/cargo/registry")  # of Debian's packages librust-*-dev
MODELS_OF_A_PREDICTION = [
    "Mfccs", "Baseline", "BaselineMfccs", "BaselineProsody", "Prediction", "Result", "Warning",
]  # fmt: skip


def build(*command: str | Path, folder: Path, **variables: str) -> None:
    """Runs a compiler."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def tool(name: str, package: str) -> str:
    """The path of a compiler."""
    found = shutil.which(name)
    if found is None:
        missing(f"no {name}: sudo apt-get install {package}")
    return found


def build_go(client: Path) -> list[str | Path]:
    go = tool("go", "golang-go")
    (client / "go.mod").write_text("module client\n\ngo 1.19\n")  # generated: a newer one
    program = client / "program"
    program.mkdir()
    shutil.copy(PROGRAMS / "main.go", program)
    (program / "go.mod").write_text(
        "module send\n\ngo 1.19\n\nrequire client v0.0.0\n\nreplace client => ../\n"
    )
    variables = {"CGO_ENABLED": "0", "GOPROXY": "off", "GOTOOLCHAIN": "local"}
    build(go, "build", "-mod=mod", "-o", "send", ".", folder=program, **variables)
    return [program / "send"]


def build_java(client: Path) -> list[str | Path]:
    compiler = tool("javac", "default-jdk-headless")
    sources = [*(client / "src" / "main" / "java").rglob("*.java"), *PROGRAMS.glob("*.java")]
    classes, libraries = client / "classes", generator_jar()
    build(
        compiler, "-nowarn", "-proc:none", "-cp", libraries, "-d", classes, *sources, folder=client
    )
    return ["java", "-cp", f"{classes}{os.pathsep}{libraries}", "Send"]


def build_python(client: Path) -> list[str | Path]:
    if not PYTHON.exists():
        missing("no .venv-inference-clients: `make .venv-inference-clients` creates it")
    shutil.copy(PROGRAMS / "send.py", client)
    return [PYTHON, client / "send.py"]


def build_rust(client: Path) -> list[str | Path]:
    """Builds the models of a prediction, since the HTTP client takes minutes."""
    cargo = tool("cargo", "cargo")
    if not list(CRATES.glob("serde_json-*")):
        missing("no crates: sudo apt-get install librust-serde-derive-dev librust-serde-json-dev")
    package = client / "package"
    shutil.copytree(PROGRAMS / "rust", package)
    generated, models = client / "src" / "models", package / "src" / "models"
    models.mkdir()
    declarations = (generated / "mod.rs").read_text().split("pub mod ")
    wanted = [text for text in declarations if text.strip().endswith(
        tuple(f"::{name};" for name in MODELS_OF_A_PREDICTION)
    )]  # fmt: skip
    (models / "mod.rs").write_text("".join(f"pub mod {text}" for text in wanted))
    for text in wanted:
        shutil.copy(generated / f"{text.partition(';')[0]}.rs", models)
    source = ['source.crates-io.replace-with="debian"', f'source.debian.directory="{CRATES}"']
    options = [part for each in source for part in ("--config", each)]
    build(
        cargo,
        "build",
        "--offline",
        "--quiet",
        *options,
        folder=package,
        CARGO_PROFILE_DEV_DEBUG="0",
    )
    return [package / "target" / "debug" / "send"]


def build_typescript(client: Path) -> list[str | Path]:
    compiler = NODE_MODULES / ".bin" / "tsc"
    if not compiler.exists():
        missing("no TypeScript: `scripts/page` installs it")
    shutil.copy(PROGRAMS / "send.ts", client)
    options = "--strict --target es2022 --module nodenext --skipLibCheck --types node --outDir js"
    roots = ["--typeRoots", str(NODE_MODULES / "@types")]
    build(find_node(), compiler, *options.split(), *roots, "send.ts", folder=client)
    return [find_node(), client / "js" / "send.js"]


BUILDERS: Mapping[str, Callable[[Path], list[str | Path]]] = {
    "Go": build_go,
    "Java": build_java,
    "Python": build_python,
    "Rust": build_rust,
    "TypeScript": build_typescript,
}
