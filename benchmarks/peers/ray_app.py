"""A Ray Serve deployment, written as on its getting-started page."""

import os
import sys
import tempfile
import threading
from typing import Any

import ray
from ray import serve
from starlette.requests import Request

from benchmarks.peers.network import Emotions


@serve.deployment(
    ray_actor_options={"num_cpus": 1},
    max_ongoing_requests=100,
    logging_config={"enable_access_log": False},
)
class EmotionDeployment:
    def __init__(self) -> None:
        self.emotions = Emotions()

    async def __call__(self, request: Request) -> dict[str, Any]:
        return self.emotions.answer((await request.json())["mfccs"])


if __name__ == "__main__":
    variables = {key: os.environ[key] for key in ("MODEL", "PYTHONPATH")}
    with tempfile.TemporaryDirectory(prefix="ray-") as folder:
        ray.init(
            num_cpus=1,
            include_dashboard=False,
            _node_ip_address="127.0.0.1",
            _temp_dir=folder,
            runtime_env={"env_vars": variables},
        )
        serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
        application = EmotionDeployment.bind()  # type: ignore[attr-defined]  # the decorator adds it
        serve.run(application, route_prefix="/prediction/DNN")
        threading.Event().wait()
