"""The contenders: the server, an empty handler and a bare loop in its place, and the peers.

Peers run as their documentation recommends for one core, without access log; docs/benchmarks.md
says how. In arguments and variables `{port}` and `{network}` are replaced.
"""

import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.payloads import BENTOML, REST, V2, V2_BINARY, Format, Mfccs, mfccs_like_speech
from configuration import ROOT

OUR_PACKAGES = ("falcon", "gunicorn", "uvicorn", "uvloop", "httptools", "msgspec", "onnxruntime")
CONNECTIONS = (1, 16, 64)
CORES_OF_WORKERS = 2


@dataclass(frozen=True)
class Workload:
    """The requests of a race.

    title: of its table.
    shape: of the MFCCs in a request, (N, 25) vectors or (N, T, 25) frames.
    connections: of the load that is compared.
    curve: the numbers of connections for the curve of throughput against latency.
    reference: the contender that the rates in the table are relative to.
    """

    name: str
    title: str
    network: str
    shape: tuple[int, ...]
    connections: int = 16
    curve: tuple[int, ...] = ()
    reference: str = "server"

    def mfccs(self, seed: int = 0) -> Mfccs:
        """The MFCCs of a request; those of seed 0 are in every request of a load."""
        return mfccs_like_speech(self.shape, seed)


TCN = Workload(
    "TCN",
    "Frames: `TCN`, 130 frames of 25 MFCCs, 3 s of speech, in a request",
    "TCN",
    (1, 130, 25),
    curve=CONNECTIONS,
)
DNN = Workload("DNN", "Vectors: `DNN`, 25 MFCCs in a request", "DNN", (1, 25), curve=CONNECTIONS)
BATCHES = Workload(
    "batches",
    "Batches: `DNN`, 1,024 vectors in a request of the Open Inference Protocol",
    "DNN",
    (1_024, 25),
    connections=4,
    reference="json",
)


@dataclass(frozen=True)
class Contender:
    """A server to measure.

    arguments: of `python -m`; without any, it is a loop around ONNX Runtime, not a server.
    packages: whose versions are reported.
    peer: the name of the environment and of the requirements file of a third-party server.
    predicts: whether its answers are checked.
    folder: the checkout of this server that it runs.
    """

    server: str
    title: str
    arguments: tuple[str, ...] = ()
    packages: tuple[str, ...] = OUR_PACKAGES
    peer: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict, hash=False)
    format: Format = REST
    predicts: bool = True
    workload: Workload = DNN
    folder: Path = ROOT
    cores: int = 1

    @property
    def name(self) -> str:
        """The workload and the server, such as `TCN/fastapi`."""
        return f"{self.workload.name}/{self.server}"

    @property
    def python(self) -> Path:
        """The Python of its virtual environment."""
        name = f".venv-bench-{self.peer}" if self.peer else ".venv"
        return self.folder / name / "bin" / "python"

    @property
    def model(self) -> Path:
        """The file of the network that it serves."""
        return self.folder / "models" / f"{self.workload.network}.onnx"

    @property
    def path(self) -> str:
        """The path of its requests."""
        return self.format.path.format(network=self.workload.network)


STACK = Contender("server", "this server, through Nginx", ("server", "run"))
ALONE = Contender("alone", "this server, without Nginx", ("server", "run", "--without-nginx"))
EMPTY_STACK = Contender(
    "empty", "an empty handler, through Nginx", ("benchmarks.empty_stack",), predicts=False
)
EMPTY_ALONE = Contender(
    "empty-alone",
    "an empty handler, without Nginx",
    ("benchmarks.empty_stack", "--without-nginx"),
    predicts=False,
)
BARE_LOOP = Contender("bare", "a bare loop around ONNX Runtime", packages=("onnxruntime",))

UVICORN = ("fastapi", "pydantic", "uvicorn", "uvloop", "httptools")
GUNICORN = ("gunicorn", "--bind", "127.0.0.1:{port}")
FASTAPI_APP = "benchmarks.peers.fastapi_app:app"
FLASK_APP = "benchmarks.peers.flask_app:app"
MLSERVER = Contender(
    "mlserver",
    "MLServer",
    ("mlserver.cli.main", "start", "benchmarks/peers/mlserver/{network}"),
    ("mlserver", "fastapi", "uvicorn", "uvloop", "onnxruntime"),
    "mlserver",
    {
        "MLSERVER_HOST": "127.0.0.1",
        "MLSERVER_HTTP_PORT": "{port}",
        "MLSERVER_GRPC_PORT": "0",
        "MLSERVER_METRICS_PORT": "0",
        "MLSERVER_PARALLEL_WORKERS": "0",
        "MLSERVER_DEBUG": "false",
    },
    V2,
)
PEERS = (
    Contender(
        "fastapi",
        "FastAPI, uvicorn",
        ("uvicorn", FASTAPI_APP, "--port", "{port}", "--no-access-log"),
        (*UVICORN, "onnxruntime"),
        "fastapi",
    ),
    Contender(
        "fastapi-gunicorn",
        "FastAPI, Gunicorn with a uvicorn worker",
        (*GUNICORN, "--worker-class", "uvicorn_worker.UvicornWorker", FASTAPI_APP),
        ("gunicorn", "uvicorn-worker", *UVICORN, "onnxruntime"),
        "fastapi",
    ),
    Contender(
        "flask",
        "Flask, Gunicorn",
        (*GUNICORN, "--workers", "3", FLASK_APP),
        ("flask", "gunicorn", "onnxruntime"),
        "flask",
    ),
    Contender(
        "flask-threads",
        "Flask, Gunicorn with threads",
        (*GUNICORN, "--threads", "4", FLASK_APP),
        ("flask", "gunicorn", "onnxruntime"),
        "flask",
    ),
    Contender(
        "litserve",
        "LitServe",
        ("benchmarks.peers.litserve_app", "{port}"),
        ("litserve", "fastapi", "uvicorn", "uvloop", "onnxruntime"),
        "litserve",
    ),
    Contender(
        "bentoml",
        "BentoML",
        (
            *("bentoml", "serve", "benchmarks.peers.bentoml_app:{network}"),
            *("--host", "127.0.0.1", "--port", "{port}"),
        ),
        ("bentoml", "starlette", "uvicorn", "onnxruntime"),
        "bentoml",
        {"BENTOML_DO_NOT_TRACK": "True"},
        BENTOML,
    ),
    Contender(
        "ray",
        "Ray Serve",
        ("benchmarks.peers.ray_app", "{port}"),
        ("ray", "starlette", "uvicorn", "onnxruntime"),
        "ray",
        {
            "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_DEDUP_LOGS": "0",
        },
    ),
    MLSERVER,
)

_EMPTY = (EMPTY_STACK, EMPTY_ALONE)
_BATCHES = (
    replace(STACK, server="json", title="this server, through Nginx, JSON", format=V2),
    replace(STACK, server="binary", title="this server, through Nginx, binary", format=V2_BINARY),
    BARE_LOOP,
    replace(MLSERVER, title="MLServer, JSON"),
)
CONTENDERS = (
    *(replace(c, workload=TCN) for c in (STACK, ALONE, BARE_LOOP, *PEERS)),
    *(replace(c, workload=DNN) for c in (STACK, ALONE, *_EMPTY, BARE_LOOP, *PEERS)),
    *(replace(c, workload=BATCHES) for c in _BATCHES),
)


def by_workers(counts: Iterable[int]) -> list[Contender]:
    """The server on two cores with these numbers of workers."""
    found = []
    for base in (TCN, DNN):
        workload = replace(
            base,
            name=f"workers-{base.name}",
            title=f"`{base.network}` on {CORES_OF_WORKERS} cores, by workers",
            curve=(),
            reference="1",
        )
        for count in counts:
            contender = replace(STACK, server=str(count), title=f"{count}", workload=workload)
            variables = {"SER_SERVER_WORKERS": str(count)}
            found.append(replace(contender, variables=variables, cores=CORES_OF_WORKERS))
    return found


def release_in(folder: Path) -> list[Contender]:
    """The server of another checkout, with the networks there."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty"]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    title = f"{found or folder.name}, through Nginx"
    other = replace(STACK, server="beside", title=title, folder=folder.resolve())
    return [replace(other, workload=workload) for workload in (TCN, DNN)]
