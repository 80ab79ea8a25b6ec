"""Predictions: what a request says of a clip, in JSON or in binary, and what the server answers."""
