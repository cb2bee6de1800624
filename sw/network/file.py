"""A Network as one safetensors file: the arrays, and a JSON manifest in the metadata that a typed model checks."""

import hashlib
import os
from collections import defaultdict
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as serialise

from sw.documents import Record, parse_json, problem_of
from sw.errors import SubbitError, printable
from sw.files import atomic_write
from sw.network import layers as layer_types
from sw.network.encodings import encoding_of_kind
from sw.network.layers import Layer
from sw.network.network import Input, Network
from sw.network.padding import Padding, PaddingKind

__all__ = ["SCHEMA", "digest", "load", "save"]

SCHEMA = 2
"""The newest schema. A file has the oldest that tells it: 2 has padding by a level."""
FORMAT = "subbit-network"
Arrays = dict[str, np.ndarray]

#: Types of arrays, as safetensors calls them, that a network file can hold.
TYPES = frozenset({"BOOL", "U8", "I8", "U16", "I16", "U32", "I32", "U64", "I64"})
LONGEST_NAME = 200


class LayerRecord(Record):
    """What all layers have. ``build`` makes the layer with its arrays, named without the layer's name."""

    name: str
    reads: list[str]

    def build(self, arrays: Arrays) -> Layer:
        raise NotImplementedError


def exactly(arrays: Arrays, *names: str) -> list[np.ndarray]:
    """The arrays of those names, in their order. Raises ValueError where one is missing or there is another."""
    if arrays.keys() != set(names):
        raise ValueError(f"the arrays of a layer must be {' and '.join(names)}, not {sorted(arrays)}")
    return [arrays[name] for name in names]


class ThermometerRecord(LayerRecord):
    kind: Literal["thermometer"] = "thermometer"

    def build(self, arrays: Arrays) -> Layer:
        (thresholds,) = exactly(arrays, "thresholds")
        return layer_types.Thermometer(name=self.name, reads=tuple(self.reads), thresholds=thresholds)


class BitPlanesRecord(LayerRecord):
    kind: Literal["planes"] = "planes"
    planes: list[int]

    def build(self, arrays: Arrays) -> Layer:
        exactly(arrays)
        return layer_types.BitPlanes(name=self.name, reads=tuple(self.reads), planes=tuple(self.planes))


class BitSlicesRecord(LayerRecord):
    kind: Literal["slices"] = "slices"
    slices: list[int]

    def build(self, arrays: Arrays) -> Layer:
        exactly(arrays)
        return layer_types.BitSlices(name=self.name, reads=tuple(self.reads), slices=tuple(self.slices))


class ConvolutionRecord(LayerRecord):
    kind: Literal["convolution"] = "convolution"
    encoding: str
    stride: int
    padding: PaddingKind
    padding_amount: int
    padding_level: int | None = None

    def build(self, arrays: Arrays) -> Layer:
        return layer_types.Convolution(
            name=self.name,
            reads=tuple(self.reads),
            weights=encoding_of_kind(self.encoding).from_arrays(arrays),
            stride=self.stride,
            padding=Padding(self.padding, self.padding_amount, self.padding_level or 0),
        )


class DenseRecord(LayerRecord):
    kind: Literal["dense"] = "dense"
    encoding: str

    def build(self, arrays: Arrays) -> Layer:
        weights = encoding_of_kind(self.encoding).from_arrays(arrays)
        return layer_types.Dense(name=self.name, reads=tuple(self.reads), weights=weights)


class ThresholdRecord(LayerRecord):
    kind: Literal["threshold"] = "threshold"

    def build(self, arrays: Arrays) -> Layer:
        thresholds, invert = exactly(arrays, "thresholds", "invert")
        return layer_types.Threshold(name=self.name, reads=tuple(self.reads), thresholds=thresholds, invert=invert)


class MaxPoolRecord(LayerRecord):
    kind: Literal["max-pool"] = "max-pool"
    size: int

    def build(self, arrays: Arrays) -> Layer:
        exactly(arrays)
        return layer_types.MaxPool(name=self.name, reads=tuple(self.reads), size=self.size)


class ScoresRecord(LayerRecord):
    kind: Literal["scores"] = "scores"

    def build(self, arrays: Arrays) -> Layer:
        scale, bias = exactly(arrays, "scale", "bias")
        return layer_types.Scores(name=self.name, reads=tuple(self.reads), scale=scale, bias=bias)


AnyLayer = Annotated[
    ThermometerRecord
    | BitPlanesRecord
    | BitSlicesRecord
    | ConvolutionRecord
    | DenseRecord
    | ThresholdRecord
    | MaxPoolRecord
    | ScoresRecord,
    Field(discriminator="kind"),
]


class InputRecord(Record):
    height: int
    width: int
    channels: int
    bits: int


class Manifest(Record):
    """The JSON beside the arrays."""

    schema_version: int
    name: str
    input: InputRecord
    layers: list[AnyLayer]


def describe(layer: Layer) -> tuple[AnyLayer, Arrays]:
    """Manifest record and arrays of one layer."""
    common: dict[str, Any] = {"name": layer.name, "reads": list(layer.reads)}
    match layer:
        case layer_types.Thermometer():
            return ThermometerRecord(**common), {"thresholds": layer.thresholds}
        case layer_types.BitPlanes():
            return BitPlanesRecord(**common, planes=list(layer.planes)), {}
        case layer_types.BitSlices():
            return BitSlicesRecord(**common, slices=list(layer.slices)), {}
        case layer_types.Convolution(weights=weights, padding=padding):
            record = ConvolutionRecord(
                **common,
                encoding=weights.kind,
                stride=layer.stride,
                padding=padding.kind,
                padding_amount=padding.amount,
                padding_level=padding.level or None,
            )
            return record, weights.arrays()
        case layer_types.Dense(weights=weights):
            return DenseRecord(**common, encoding=weights.kind), weights.arrays()
        case layer_types.Threshold():
            return ThresholdRecord(**common), {"thresholds": layer.thresholds, "invert": layer.invert}
        case layer_types.MaxPool():
            return MaxPoolRecord(**common, size=layer.size), {}
        case layer_types.Scores():
            return ScoresRecord(**common), {"scale": layer.scale, "bias": layer.bias}
    raise TypeError(f"layer must be one of the known kinds, not {layer!r}")


def digest(network: Network) -> str:
    """32 hexadecimal digits that differ between networks whose files differ in more than the network's name."""
    found = hashlib.sha256(repr(network.input).encode())
    for layer in network.layers:
        record, arrays = describe(layer)
        found.update(record.model_dump_json(exclude_none=True).encode())
        for name, array in sorted(arrays.items()):
            found.update(f"{name} {array.dtype} {array.shape}".encode() + array.tobytes())
    return found.hexdigest()[:32]


def schema_of(network: Network) -> int:
    """The oldest schema that has what ``network`` has."""
    convolutions = (layer for layer in network.layers if isinstance(layer, layer_types.Convolution))
    return 2 if any(layer.padding.kind == "level" for layer in convolutions) else 1


def save(network: Network, path: str | os.PathLike[str]) -> None:
    """Write ``network`` to ``path``, under a temporary name first, so that a file is whole or absent."""
    described = [describe(layer) for layer in network.layers]
    image = network.input
    manifest = Manifest(
        schema_version=schema_of(network),
        name=network.name,
        input=InputRecord(height=image.height, width=image.width, channels=image.channels, bits=image.bits),
        layers=[record for record, _ in described],
    )
    arrays = {f"{record.name}.{key}": array for record, arrays in described for key, array in arrays.items()}
    with atomic_write(path) as temporary:
        temporary.write_bytes(
            serialise(arrays, {"format": FORMAT, "manifest": manifest.model_dump_json(exclude_none=True)})
        )


def load(path: str | os.PathLike[str]) -> Network:
    """Read a Network from ``path``.

    Raises SubbitError, one sentence, for a file that is missing, damaged, of another kind, or of a newer schema.
    """
    if not Path(path).is_file():
        raise SubbitError(f"{path} is not there: name a network file that `subbit train` wrote.")
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise SubbitError(
                    f"{path} is a safetensors file but holds no subbit network: name one that `subbit train` wrote."
                )
            names = file.keys()
            for name in names:
                if (kind := file.get_slice(name).get_dtype()) not in TYPES:
                    raise SubbitError(f"{path} is damaged ({name} is of type {kind}): write it again.")
            arrays = {name: file.get_tensor(name) for name in names}
    except (SafetensorError, OSError, ValueError) as error:
        raise SubbitError(
            f"{path} is not a whole network file ({error}): write it again or fetch another copy."
        ) from error
    try:
        document = parse_json(metadata["manifest"])
        version = document["schema_version"]
        if isinstance(version, int) and version > SCHEMA:
            raise SubbitError(f"{path} has schema {version} and this subbit reads up to {SCHEMA}: update subbit.")
        return build(Manifest.model_validate_json(metadata["manifest"]), arrays)
    except ValidationError as error:
        raise SubbitError(f"{path} has a damaged manifest ({problem_of(error)}): write it again.") from error
    except (KeyError, TypeError, ValueError) as error:
        raise SubbitError(f"{path} is damaged ({error}): write it again or fetch another copy.") from error


def build(manifest: Manifest, arrays: Arrays) -> Network:
    """The Network that a manifest and its arrays describe. Raises ValueError or TypeError where they do not fit."""
    parts: defaultdict[str, Arrays] = defaultdict(dict)
    for name, array in arrays.items():
        layer, _, part = name.partition(".")
        parts[layer][part] = array
    layers = tuple(record.build(parts[record.name]) for record in manifest.layers)
    return Network(printable(manifest.name, LONGEST_NAME), Input(**manifest.input.model_dump()), layers)
