"""Sends the bodies of a file with the generated client, and prints the probabilities."""

import json
import sys
from pathlib import Path

from openapi_client import ApiClient, Configuration, InitialisationApi, Mfccs, PredictionApi

with ApiClient(Configuration(host=sys.argv[1])) as client:
    handshake = InitialisationApi(client).get_configuration()
    print(json.dumps([network.network_type for network in handshake.networks]))
    api = PredictionApi(client)
    for body in json.loads(Path(sys.argv[2]).read_text()):
        mfccs = Mfccs(mfccs=body["mfccs"])
        if "prosody" in body:
            mfccs.prosody = body["prosody"]
        found = api.predict(body["network"], mfccs)
        print(json.dumps([float(result.prediction) for result in found.results]))
