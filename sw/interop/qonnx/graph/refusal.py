"""What cannot be imported, told with the node's name and the reason."""

from onnx import NodeProto

from sw.errors import SubbitError

__all__ = ["QUANTISED", "Refused", "label", "refuse"]

QUANTISED = "a quantised activation of at most 8 bits (Brevitas' QuantReLU, QuantHardTanh or QuantIdentity)"
"""What a sentence asks for in the place of real numbers."""


class Refused(SubbitError):
    """A graph that no Network computes; the message names the node and says why and what to do."""


def label(node: NodeProto) -> str:
    """What a sentence calls a node: its name and operator, or its output where it has no name."""
    return f"{node.name} ({node.op_type})" if node.name else f"the {node.op_type} that makes {node.output[0]}"


def refuse(node: NodeProto, reason: str) -> Refused:
    """The refusal of ``node``; ``reason`` begins with a verb and says what to do after a colon."""
    return Refused(f"{label(node)} {reason}")
