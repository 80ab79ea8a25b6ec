"""The features: their recipe, their extraction in librosa and as an ONNX graph, and a cache."""
