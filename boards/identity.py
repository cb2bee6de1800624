"""The identity of what a board answers with: the same for every file and encoding of a network."""

import hashlib
import json
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from hw.plan.plan import Plan
from sw.network import Layer, Linear, Network, Padding

__all__ = ["IDENTITY_BYTES", "identity"]

IDENTITY_BYTES = 8
#: Says how the digest is made; another way of making it gets another number.
SCHEME = "subbit-identity-1"


def identity(network: Network, plan: Plan) -> bytes:
    """The first 8 bytes of a SHA-256 over all that decides the answers to a frame of bytes.

    That is the image's size, the layers in order with their parameters and integers, what the plan sends out, and how
    many pixels make a beat. Weights count as decoded, so that encodings do not matter, nor do names, nor folding.
    """
    digest = hashlib.sha256()
    numbers = {layer.name: at for at, layer in enumerate(network.layers, 1)} | {"input": 0}
    image = network.input
    head = [SCHEME, plan.output, plan.pixels_per_beat, image.height, image.width, image.channels, image.bits]
    digest.update(json.dumps(head).encode())
    for layer in network.layers:
        plain, arrays = _contents(layer)
        reads = [numbers[name] for name in layer.reads]
        shapes = {name: list(array.shape) for name, array in arrays.items()}
        digest.update(json.dumps([layer.kind, reads, plain, shapes], default=_told).encode())
        for array in arrays.values():
            digest.update(array.astype("<i8").tobytes())
    return digest.digest()[:IDENTITY_BYTES]


def _told(padding: Padding) -> dict[str, Any]:
    """A padding without the level that most do not have: boards that were built earlier keep their identity."""
    return {name: value for name, value in asdict(padding).items() if name != "level" or value}


def _contents(layer: Layer) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Parameters and arrays of a layer, in the order of its fields, without its name and what it reads."""
    plain: dict[str, Any] = {}
    arrays: dict[str, np.ndarray] = {}
    for name in (field.name for field in fields(layer) if field.name not in ("name", "reads")):
        value = getattr(layer, name)
        if name == "weights" and isinstance(layer, Linear):
            plain[name], arrays[name] = list(map(int, value.values)), value.decode()
        elif isinstance(value, np.ndarray):
            arrays[name] = value
        else:
            plain[name] = value
    return plain, arrays
