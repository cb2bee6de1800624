"""What a Brevitas test network is, and the beginnings and ends that they share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from brevitas_examples.bnn_pynq.models.tensor_norm import TensorNorm
from torch import nn

from tests.sw.interop.brevitas_cases.parts import Affine, bipolar, dense

__all__ = ["Case", "head", "sequence", "sign_input"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A network to be made and exported: see `BrevitasFile` for the fields that end up in the manifest.

    ``positive`` keeps every normalisation's factor above zero. ``trained``: numbers found by training take the place of
    random ones. ``batch`` images at once are what the graph is exported for. ``options`` are those of
    torch.onnx.export.
    """

    name: str
    about: str
    make: Callable[[], nn.Module]
    shape: tuple[int, int, int] = (8, 8, 1)
    bits: int = 8
    zero: int = 0
    divisor: int = 255
    axes: Literal["NCHW", "NHWC"] = "NCHW"
    ends: Literal["scores", "softmax", "class"] = "scores"
    activations: tuple[int, ...] = ()
    refusal: tuple[str, ...] = ()
    exporter: Literal["dynamo", "torchscript"] = "dynamo"
    positive: bool = False
    trained: bool = False
    batch: int = 1
    options: Mapping[str, Any] = field(default_factory=dict)


def sequence(*layers: nn.Module) -> nn.Sequential:
    """Layers one after another."""
    return nn.Sequential(*layers)


def head(inputs: int, outputs: int = 5, scale: str | float = 1.0) -> tuple[nn.Module, ...]:
    """The end of a convolutional network: flattened channels first, dense, normalised as a whole."""
    return nn.Flatten(), dense(inputs, outputs, scale), TensorNorm()


def sign_input(channels: int = 1) -> tuple[nn.Module, ...]:
    """The sign of pixels around the middle of their range, 0 to 1."""
    return Affine([2.0] * channels, [-1.0] * channels), bipolar()
