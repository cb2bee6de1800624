"""What a convolution reads outside the image: the value of a padded tap, and how hardware stores it."""

from dataclasses import dataclass
from typing import Literal, get_args

from sw.network.tensor import TensorType

__all__ = ["NO_PADDING", "Padding", "PaddingKind"]

PaddingKind = Literal["none", "-1", "+1", "zero", "level"]


@dataclass(frozen=True)
class Padding:
    """What stands outside the image: ``amount`` rows and columns on each side that read as -1, +1, zero or a level.

    -1 and +1 are the lowest and the highest level. Zero is no bit: those taps are left out of the sum, P and N alike;
    around pixels it is the pixel 0. "level" is the stored number ``level``: a level between the ends, such as the one
    that a signed quantiser has for 0, or a pixel other than 0.
    """

    kind: PaddingKind = "none"
    amount: int = 0
    level: int = 0

    def __post_init__(self) -> None:
        if self.kind not in get_args(PaddingKind):
            raise ValueError(f"kind must be none, -1, +1, zero or level, not {self.kind!r}")
        if self.amount < 0 or (self.amount == 0) != (self.kind == "none"):
            raise ValueError(f"amount must be 0 for no padding and positive otherwise, not {self.amount!r}")
        if self.level < 0 or (self.level == 0) != (self.kind != "level"):
            raise ValueError(f"level must be positive for padding by a level and 0 otherwise, not {self.level!r}")

    def check(self, source: TensorType) -> None:
        """Raise ValueError, as the end of a sentence, where a tensor of type ``source`` cannot be padded by it."""
        if source.domain == "pixels" and self.kind in ("-1", "+1"):
            raise ValueError(f"must be none, zero or a pixel for pixels, not {self.kind}")
        if self.kind == "level" and source.domain == "levels" and self.level >= source.high:
            raise ValueError(f"must be by a level between the ends 0 and {source.high}, not {self.level}")
        if self.kind == "level" and source.domain == "pixels" and self.level & ~source.high:
            raise ValueError(f"must be by a pixel of the planes {source.planes}, not {self.level}")

    def value(self, source: TensorType) -> int:
        """The value of a padded tap."""
        level = self.level if source.domain == "pixels" else 2 * self.level - source.high
        return {"none": 0, "zero": 0, "-1": source.low, "+1": source.high, "level": level}[self.kind]

    def element(self, source: TensorType) -> int:
        """The element that hardware stores for a padded tap, bit i being plane i of those kept; 0 for zero."""
        if self.kind == "level" and source.domain == "pixels":
            return sum((self.level >> plane & 1) << place for place, plane in enumerate(source.planes))
        return (1 << len(source.planes)) - 1 if self.kind == "+1" else self.level


NO_PADDING = Padding()
"""Nothing stands outside: windows lie within the image."""
