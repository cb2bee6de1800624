"""A Network as QONNX (Pappalardo et al., 2022, arXiv 2206.07527) that computes the same scores on every image."""

from sw.interop.export.check import Check, check
from sw.interop.export.model import INPUT, METADATA, model_of, write

__all__ = ["INPUT", "METADATA", "Check", "check", "model_of", "write"]
