"""Who races: the server, an empty handler in its place, and the peers.

A peer runs as its own documentation has it for one core, with its access log off. `{port}` stands
for the port that it is given.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.payloads import MFCCS, V2, V2_BATCH, Payload
from configuration import ROOT

PATH = "/prediction/DNN"
V2_PATH = "/v2/models/DNN/infer"
OUR_PACKAGES = ("falcon", "gunicorn", "uvicorn", "uvloop", "httptools", "msgspec", "onnxruntime")


@dataclass(frozen=True)
class Contender:
    """One server that is started, checked and measured.

    arguments: of `python -m`.
    packages: those whose versions are told.
    peer: names the environment of somebody else's server, and the requirements that it is made of.
    followed: what of its documentation was followed, and why.
    """

    name: str
    title: str
    arguments: tuple[str, ...]
    packages: tuple[str, ...] = OUR_PACKAGES
    peer: str | None = None
    followed: str = ""
    variables: Mapping[str, str] = field(default_factory=dict, hash=False)
    path: str = PATH
    payload: Payload = MFCCS
    predicts: bool = True

    @property
    def environment(self) -> Path:
        """The virtual environment that it runs in."""
        return ROOT / (f".venv-bench-{self.peer}" if self.peer else ".venv")

    @property
    def requirements(self) -> Path:
        """What that environment is made from."""
        name = f"bench/{self.peer}.txt" if self.peer else "server.txt"
        return ROOT / "requirements" / name


STACK = Contender("server", "this server, through Nginx", ("server", "run"))
EMPTY_STACK = Contender(
    "empty", "an empty handler, through Nginx", ("benchmarks.empty_stack",), predicts=False
)
ALONE = Contender("alone", "this server, without Nginx", ("server", "run", "--without-nginx"))
EMPTY_ALONE = Contender(
    "empty-alone",
    "an empty handler, without Nginx",
    ("benchmarks.empty_stack", "--without-nginx"),
    predicts=False,
)
BATCHES = replace(
    STACK,
    name="server-batches",
    title="this server, through Nginx, V2 JSON",
    path=V2_PATH,
    payload=V2_BATCH,
)
OURS = (STACK, EMPTY_STACK, ALONE, EMPTY_ALONE, BATCHES)

UVICORN = ("fastapi", "pydantic", "uvicorn", "uvloop", "httptools")
MLSERVER = Contender(
    "mlserver",
    "MLServer",
    ("mlserver.cli.main", "start", "benchmarks/peers/mlserver"),
    ("mlserver", "fastapi", "uvicorn", "uvloop", "onnxruntime"),
    "mlserver",
    "no inference pool: its page on parallel inference has it against the GIL, on many cores",
    {"MLSERVER_HTTP_PORT": "{port}", "MLSERVER_GRPC_PORT": "0", "MLSERVER_METRICS_PORT": "0"},
    V2_PATH,
    V2,
)
PEERS = (
    Contender(
        "fastapi",
        "FastAPI, uvicorn",
        ("uvicorn", "benchmarks.peers.fastapi_app:app", "--port", "{port}", "--no-access-log"),
        (*UVICORN, "onnxruntime"),
        "fastapi",
        "uvicorn[standard] in one process, as its page on containers has it for one core",
    ),
    Contender(
        "fastapi-gunicorn",
        "FastAPI, Gunicorn with a uvicorn worker",
        (
            *("gunicorn", "benchmarks.peers.fastapi_app:app", "--bind", "127.0.0.1:{port}"),
            *("--workers", "1", "--worker-class", "uvicorn_worker.UvicornWorker"),
        ),
        ("gunicorn", "uvicorn-worker", *UVICORN, "onnxruntime"),
        "fastapi",
        "Gunicorn as the process manager, as uvicorn's page on deployment has it; one worker",
    ),
    Contender(
        "flask",
        "Flask, Gunicorn",
        (
            *("gunicorn", "benchmarks.peers.flask_app:app", "--bind", "127.0.0.1:{port}"),
            *("--workers", "3"),
        ),
        ("flask", "gunicorn", "onnxruntime"),
        "flask",
        "Gunicorn's sync workers, as Flask's page has it; 2 x cores + 1, as Gunicorn's has it",
    ),
    Contender(
        "flask-threads",
        "Flask, Gunicorn with threads",
        (
            *("gunicorn", "benchmarks.peers.flask_app:app", "--bind", "127.0.0.1:{port}"),
            *("--workers", "1", "--threads", "4"),
        ),
        ("flask", "gunicorn", "onnxruntime"),
        "flask",
        "the worker that keeps connections open, 4 threads as in Gunicorn's page on its design",
    ),
    Contender(
        "litserve",
        "LitServe",
        ("benchmarks.peers.litserve_app", "{port}"),
        ("litserve", "fastapi", "uvicorn", "uvloop", "onnxruntime"),
        "litserve",
        "one worker, and the fast queue that its reference has for small, quick models",
    ),
    Contender(
        "bentoml",
        "BentoML",
        (
            *("bentoml", "serve", "benchmarks.peers.bentoml_app:EmotionService"),
            *("--host", "127.0.0.1", "--port", "{port}"),
        ),
        ("bentoml", "starlette", "uvicorn", "onnxruntime"),
        "bentoml",
        "one worker a core, as its page on parallel requests has it; no batching",
        {"BENTOML_DO_NOT_TRACK": "True"},
    ),
    Contender(
        "ray",
        "Ray Serve",
        ("benchmarks.peers.ray_app", "{port}"),
        ("ray", "starlette", "uvicorn", "onnxruntime"),
        "ray",
        "one replica, with the throughput settings of its page on performance",
        {
            "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_DEDUP_LOGS": "0",
        },
    ),
    MLSERVER,
    replace(MLSERVER, name="mlserver-batches", title="MLServer, V2 JSON", payload=V2_BATCH),
)
CONTENDERS = (*OURS, *PEERS)
