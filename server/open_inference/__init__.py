"""The Open Inference Protocol (V2) over HTTP: what platforms such as KServe and Triton speak.

https://github.com/kserve/open-inference-protocol, with Triton's extensions for binary tensor data
and classification.
"""
