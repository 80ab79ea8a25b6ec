"""The contenders: the server, an empty handler in its place, and the peers.

Peers run as their documentation recommends for one core, without access log. `{port}` is replaced
by the port.
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
    """A server to measure.

    arguments: of `python -m`.
    packages: whose versions are reported.
    peer: the name of the environment and of the requirements file of a third-party server.
    followed: the recommendation of its documentation that was followed, and why.
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
        """The virtual environment of the contender."""
        return ROOT / (f".venv-bench-{self.peer}" if self.peer else ".venv")

    @property
    def requirements(self) -> Path:
        """The requirements file of the environment."""
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
    "no inference pool: its page on parallel inference recommends one for many cores",
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
        "uvicorn[standard] in one process, as its page on containers recommends for one core",
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
        "Gunicorn as the process manager, as uvicorn's page on deployment recommends; one worker",
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
        "Gunicorn's sync workers, as Flask recommends; 2 x cores + 1, as Gunicorn recommends",
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
        "the worker with keep-alive, 4 threads as on Gunicorn's page on its design",
    ),
    Contender(
        "litserve",
        "LitServe",
        ("benchmarks.peers.litserve_app", "{port}"),
        ("litserve", "fastapi", "uvicorn", "uvloop", "onnxruntime"),
        "litserve",
        "one worker, and the fast queue that its reference recommends for small models",
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
        "one worker per core, as its page on parallel requests recommends; no batching",
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
