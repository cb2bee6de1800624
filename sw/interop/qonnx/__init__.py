"""QONNX files as Networks, and the proof that both compute the same."""

from sw.interop.qonnx.check import Check, Compared, Proof, check, prove
from sw.interop.qonnx.layers.pixels import Pixels
from sw.interop.qonnx.reader import Imported, read_qonnx

__all__ = ["Check", "Compared", "Imported", "Pixels", "Proof", "check", "prove", "read_qonnx"]
