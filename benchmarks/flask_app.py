"""The same network behind Flask, written as its tutorials do."""

import json
import os
from typing import Any

import numpy as np
import onnxruntime
from flask import (  # type: ignore[import-not-found]  # only in .venv-bench
    Flask,
    jsonify,
    request,
)

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(os.environ["MODEL"], options)
labels = json.loads(session.get_modelmeta().custom_metadata_map["labels"])

app = Flask(__name__)


@app.post("/prediction/DNN")  # type: ignore[untyped-decorator]
def predict() -> Any:
    mfccs = np.array([request.get_json()["mfccs"]], dtype=np.float32)
    (probabilities,) = session.run(["probabilities"], {"mfccs": mfccs})
    pairs = zip(labels, probabilities[0].tolist(), strict=True)
    return jsonify(results=[{"emotionType": label, "prediction": p} for label, p in pairs])
