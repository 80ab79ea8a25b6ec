"""The first Android app's requests, with OkHttp and Gson, get the predictions of the server.

Retrofit, which the app put on top of them, is not in Debian. It sends Gson's text through OkHttp.
"""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.support.harness import ROOT, Server
from tests.support.missing import missing

PROGRAM = ROOT / "tests" / "stack" / "java" / "FirstAndroidApp.java"
JARS = [Path("/usr/share/java") / name for name in ("gson.jar", "okhttp.jar", "okio.jar")]
PACKAGES = "default-jdk-headless libgoogle-gson-java libokhttp-java"
# Gson writes floats with few digits and with exponents.
MFCCS = [float(np.float32(value)) for value in (-366.6, 82.4, 1e-4, 1.2345678e7, *range(21))]
TIMEOUT = 300  # seconds


def test_the_app_gets_its_predictions(server: Server) -> None:
    if shutil.which("javac") is None or not all(jar.exists() for jar in JARS):
        missing(f"Java, Gson or OkHttp is missing: sudo apt-get install {PACKAGES}")
    body = {"mfccs": MFCCS}
    url = f"http://127.0.0.1:{server.port}"
    options = ["-XX:TieredStopAtLevel=1", "-cp", ":".join(map(str, JARS))]
    command = ["java", *options, str(PROGRAM), url, json.dumps(body), "CNN", "DNN", "RNN"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert done.returncode == 0, done.stderr
    width, cnn, by_cnn, dnn, by_dnn, rnn = done.stdout.splitlines()
    assert (width, cnn, dnn, rnn) == ("25", "200", "200", "404")
    for network, found in (("CNN", by_cnn), ("DNN", by_dnn)):
        expected = server.client.post(f"/prediction/{network}", json=body).json()["results"]
        assert json.loads(found) == [
            each | {"prediction": pytest.approx(each["prediction"], rel=1e-6)} for each in expected
        ]
