"""What the benches know of a generated accelerator: files, widths of its streams, where each layer is seen."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import ceil
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from sw.documents import Count, FileName, Identifier, Section, checked, read_json
from sw.errors import SubbitError

__all__ = ["Design", "Probe"]


class _Beats(Section):
    bits: Annotated[int, Field(ge=1, le=1 << 20)]


class _Probe(Section):
    layer: Identifier
    path: list[Identifier]
    valid: Identifier
    ready: Identifier
    payload: Identifier
    lanes: Count
    bits: Count
    height: Count
    width: Count
    channels: Count


class _Load(Section):
    file: FileName
    words: Count


class _Description(Section):
    """accelerator.json, as far as the benches read it."""

    top: Identifier
    sources: Annotated[list[FileName], Field(min_length=1)]
    output: Literal["scores", "class"]
    input: _Beats
    result: _Beats
    pixels_per_beat: Count
    interval: Count | None = None
    probes: list[_Probe]
    load: _Load | None = None


@dataclass(frozen=True)
class Probe:
    """The stream inside the accelerator that carries a layer's output.

    ``path`` names the instances from the top down; ``valid``, ``ready`` and ``payload`` are signals there. A beat
    carries ``lanes`` elements of ``bits`` bits, element 0 in the low bits, in row, column, channel order.
    """

    layer: str
    path: tuple[str, ...]
    valid: str
    ready: str
    payload: str
    lanes: int
    bits: int
    height: int
    width: int
    channels: int

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "Probe":
        """The probe with the ``fields`` of accelerator.json; further ones are passed over."""
        known: dict[str, Any] = {name: fields[name] for name in cls.__dataclass_fields__}
        known["path"] = tuple(known["path"])
        return cls(**known)

    @property
    def elements(self) -> int:
        """Elements of one image."""
        return self.height * self.width * self.channels

    @property
    def beats(self) -> int:
        """Beats of one image."""
        return ceil(self.elements / self.lanes)


@dataclass(frozen=True)
class Design:
    """A generated accelerator: SystemVerilog ``sources`` with module ``top``, memory images beside them.

    ``output`` is "scores" (a beat a score, then the class) or "class"; ``interval`` the planned cycles between frames.
    ``load`` holds the ``load_words`` words that its memories are loaded with first, None where there are none.
    """

    folder: Path
    sources: tuple[Path, ...]
    top: str
    output: str
    input_bits: int
    output_bits: int
    pixels_per_beat: int
    interval: int | None
    probes: tuple[Probe, ...]
    load: Path | None = None
    load_words: int = 0

    @classmethod
    def read(cls, generated: Any) -> "Design":
        """The design in the folder that ``hw.verilog.generate`` wrote, or its result. Raises SubbitError."""
        folder = Path(getattr(generated, "folder", generated))
        description = folder / "accelerator.json"
        try:
            fields = read_json(description)
        except (OSError, ValueError):
            raise SubbitError(f"{folder} is not a generated accelerator: write one with 'subbit generate'.") from None
        try:
            found = checked(_Description, fields)
        except ValueError as error:
            raise SubbitError(
                f"{description} is damaged ({error}): write the accelerator again with 'subbit generate'."
            ) from error
        sources = tuple(folder / name for name in found.sources)
        if missing := [source.name for source in sources if not source.is_file()]:
            raise SubbitError(f"{folder} lacks {missing[0]}: write the accelerator again with 'subbit generate'.")
        return cls(
            folder=folder,
            sources=sources,
            top=found.top,
            output=found.output,
            input_bits=found.input.bits,
            output_bits=found.result.bits,
            pixels_per_beat=found.pixels_per_beat,
            interval=found.interval,
            probes=tuple(Probe.of(probe.model_dump()) for probe in found.probes),
            load=folder / found.load.file if found.load else None,
            load_words=found.load.words if found.load else 0,
        )

    def as_json(self) -> dict[str, Any]:
        """The design in values that JSON has."""
        return asdict(self) | {
            "folder": str(self.folder),
            "sources": [str(source) for source in self.sources],
            "load": None if self.load is None else str(self.load),
        }

    @classmethod
    def of_json(cls, fields: Mapping[str, Any]) -> "Design":
        """The design that ``as_json`` gave."""
        own = {
            "folder": Path(fields["folder"]),
            "sources": tuple(Path(source) for source in fields["sources"]),
            "probes": tuple(Probe.of(probe) for probe in fields["probes"]),
            "load": None if fields["load"] is None else Path(fields["load"]),
        }
        return cls(**{**fields, **own})

    @property
    def memories(self) -> tuple[Path, ...]:
        """Memory images that the sources read with $readmemh."""
        own = sorted(self.folder.glob("*.mem"))
        return (*own, *([] if self.load is None else [self.load]))
