"""The Network: the exact integer model that training exports, hardware implements and simulation compares with."""

from sw.network.encodings import DenseEncoding, Encoding
from sw.network.file import digest, load, save
from sw.network.layers import (
    BitPlanes,
    BitSlices,
    Convolution,
    Dense,
    Layer,
    Linear,
    MaxPool,
    Padding,
    Scores,
    Thermometer,
    Threshold,
)
from sw.network.network import Input, Network, Run, winners
from sw.network.tensor import TensorType, sign, values

__all__ = [
    "BitPlanes",
    "BitSlices",
    "Convolution",
    "Dense",
    "DenseEncoding",
    "Encoding",
    "Input",
    "Layer",
    "Linear",
    "MaxPool",
    "Network",
    "Padding",
    "Run",
    "Scores",
    "TensorType",
    "Thermometer",
    "Threshold",
    "digest",
    "load",
    "save",
    "sign",
    "values",
    "winners",
]
