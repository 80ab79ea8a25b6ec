"""Ray Serve deployments, written as in its documentation; that of `TCN` with dynamic batching."""

import os
import sys
import tempfile
import threading
from typing import Any

import ray
from ray import serve
from starlette.requests import Request

from benchmarks.peers.network import BATCH, BATCH_SECONDS, Emotions, network_name

deployment = serve.deployment(
    ray_actor_options={"num_cpus": 1},
    max_ongoing_requests=100,
    logging_config={"enable_access_log": False},
)


@deployment
class DNN:
    def __init__(self) -> None:
        self.emotions = Emotions()

    async def __call__(self, request: Request) -> dict[str, Any]:
        return self.emotions.answer((await request.json())["mfccs"])


@deployment
class TCN:
    def __init__(self) -> None:
        self.emotions = Emotions()

    @serve.batch(max_batch_size=BATCH, batch_wait_timeout_s=BATCH_SECONDS)
    async def predict(self, mfccs: list[Any]) -> list[dict[str, Any]]:
        return self.emotions.answers(mfccs)

    async def __call__(self, request: Request) -> Any:
        return await self.predict((await request.json())["mfccs"])


def main() -> None:
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
        chosen: Any = {"DNN": DNN, "TCN": TCN}[network_name()]
        application = chosen.bind()  # the decorator adds it
        serve.run(application, route_prefix=f"/prediction/{network_name()}")
        threading.Event().wait()


if __name__ == "__main__":
    main()
