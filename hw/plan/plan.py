"""A Plan: how far each layer is folded, and how the accelerator meets the outside."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from hw.datapath.rom import RomStyle
from hw.layer.results import Output
from sw.documents import problem_of
from sw.errors import SubbitError

__all__ = ["FASTEST_HZ", "Folding", "Plan"]

FASTEST_HZ = 1e12


@dataclass(frozen=True)
class Folding:
    """How a layer is computed: by which ``datapath``, ``pe`` outputs at once times ``simd`` taps at once, and where its
    weights live.

    ``pe`` divides the layer's outputs and ``simd`` its taps; the rest is said in ``hw.plan.datapath``.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    pe: int = 1
    simd: int = 1
    rom: RomStyle = "auto"
    datapath: str = "xnor"

    def __post_init__(self) -> None:
        for name in ("pe", "simd"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise ValueError(f"{name} must be a positive integer, not {getattr(self, name)!r}")


@dataclass(frozen=True)
class Plan:
    """Folding by layer name, ``pixels_per_beat`` at the input, what is sent out ("scores" and class, or "class" alone).

    ``clock_hz`` and ``device`` are what frame rates and areas are told for. Of the hardware, unrolled layers depend on
    the device, by its family.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    folding: dict[str, Folding] = field(default_factory=dict)
    pixels_per_beat: int = 1
    output: Output = "scores"
    clock_hz: float = 12e6
    device: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.pixels_per_beat, int) or self.pixels_per_beat < 1:
            raise ValueError(f"pixels_per_beat must be a positive integer, not {self.pixels_per_beat!r}")
        if self.output not in ("scores", "class"):
            raise ValueError(f"output must be scores or class, not {self.output!r}")
        if not 1 <= self.clock_hz <= FASTEST_HZ:
            raise ValueError(f"clock_hz must be from 1 to {FASTEST_HZ:g}, not {self.clock_hz!r}")

    def to_json(self) -> str:
        """The plan as JSON text."""
        return _adapter.dump_json(self, indent=2).decode() + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> "Plan":
        """The inverse of ``to_json``. Raises ValueError for anything else."""
        return _adapter.validate_json(text)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Plan":
        """Read a plan from a file. Raises SubbitError, one sentence, where it is missing or is no plan."""
        try:
            return cls.from_json(Path(path).read_bytes())
        except OSError as error:
            raise SubbitError(
                f"{path} cannot be read ({error.strerror}): name a plan that `subbit plan` wrote."
            ) from error
        except ValidationError as error:
            raise SubbitError(f"{path} is no plan ({problem_of(error)}): write one with `subbit plan -o`.") from error


_adapter: TypeAdapter[Plan] = TypeAdapter(Plan)
