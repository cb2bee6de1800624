"""QONNX files as Networks, and the proof that both compute the same."""

from sw.interop.qonnx.check import Check, Compared, check
from sw.interop.qonnx.pixels import Pixels
from sw.interop.qonnx.reader import Imported, read_qonnx

__all__ = ["Check", "Compared", "Imported", "Pixels", "check", "read_qonnx"]
