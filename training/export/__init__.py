"""Fitted networks as self-contained ONNX files."""
