"""A Flask application, written as in its quickstart."""

from typing import Any

from flask import Flask, request

from benchmarks.peers.network import Emotions, network_name

emotions = Emotions()
app = Flask(__name__)


@app.post(f"/prediction/{network_name()}")
def predict() -> dict[str, Any]:
    return emotions.answer(request.get_json()["mfccs"])
