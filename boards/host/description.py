"""What a host must know of a board: how images go in and results come out, and which network it holds."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from boards.link.protocol import wire_bytes
from hw.frames import frame_bytes
from sw.documents import Count, Section, checked, read_json
from sw.errors import SubbitError

__all__ = ["DESCRIPTION", "FORMAT", "BoardDescription"]

#: The file that every folder of a design holds, and the version of what it says.
DESCRIPTION, FORMAT = "board.json", 1


Side = Annotated[int, Field(ge=1, le=4096)]


class _Image(Section):
    height: Side
    width: Side
    channels: Side
    bits: Annotated[int, Field(ge=1, le=8)]


class _Input(Section):
    bits: Annotated[int, Field(ge=8, le=1 << 20, multiple_of=8)]
    beats: Count
    pixels_per_beat: Count
    image: _Image

    def fits(self) -> bool:
        """Whether the beats carry just the pixels."""
        image = self.image
        whole = self.beats * self.pixels_per_beat == image.height * image.width
        return whole and self.pixels_per_beat * image.channels * image.bits <= self.bits


class _Result(Section):
    bits: Annotated[int, Field(ge=1, le=64)]
    beats: Count
    output: Literal["scores", "class"]
    classes: Count

    def fits(self) -> bool:
        """Whether the beats carry just the scores and the class."""
        return self.beats == (1 if self.output == "class" else self.classes + 1)


class _Description(Section):
    """board.json, as far as a host reads it."""

    board: Annotated[str, Field(max_length=100)]
    identity: Annotated[str, Field(pattern=r"^[0-9a-f]{16}\z")]
    checked_as: Annotated[str, Field(pattern=r"^[0-9a-f]{16}\z")] | None = None
    baud: Annotated[int, Field(ge=1, le=1 << 30)]
    input: _Input
    result: _Result


@dataclass(frozen=True)
class BoardDescription:
    """A design as its board.json tells it.

    Images are uint8 (n, ``height``, ``width``, ``channels``) of ``bits`` bits. ``output`` is "scores" or "class".
    ``checked_as`` is the identity that the check of an answer begins with; None, where weights were not replaced, is
    ``identity``.
    """

    board: str
    identity: bytes
    baud: int
    height: int
    width: int
    channels: int
    bits: int
    pixels_per_beat: int
    input_bits: int
    input_beats: int
    result_bits: int
    result_beats: int
    output: str
    classes: int
    checked_as: bytes | None = None

    @classmethod
    def load(cls, path: Path | str) -> "BoardDescription":
        """Read board.json, or the one in a folder. Raises SubbitError where it is none."""
        path = Path(path)
        path = path / DESCRIPTION if path.is_dir() else path
        try:
            fields = read_json(path)
        except OSError as error:
            raise SubbitError(f"{path} cannot be read ({error.strerror}): name the folder of subbit build") from error
        except ValueError as error:
            raise SubbitError(f"{path} is not a board.json: name the folder that subbit build wrote") from error
        return cls.of(fields, str(path))

    @classmethod
    def of(cls, fields: dict[str, Any], name: str = DESCRIPTION) -> "BoardDescription":
        """The description in the fields of board.json. Raises SubbitError where they are not all there, or wrong."""
        version = fields.get("format") if isinstance(fields, dict) else None
        if isinstance(version, int) and version != FORMAT:
            raise SubbitError(f"{name} has format {version}, not {FORMAT}: use the subbit that wrote it")
        try:
            found = checked(_Description, fields)
            if version is None or not (found.input.fits() and found.result.fits()):
                raise ValueError("format: Field required" if version is None else "beats and sizes do not fit together")
        except ValueError as error:
            raise SubbitError(f"{name} is damaged ({error}): build the design again") from error
        return cls(
            board=found.board,
            identity=bytes.fromhex(found.identity),
            baud=found.baud,
            **found.input.image.model_dump(),
            pixels_per_beat=found.input.pixels_per_beat,
            input_bits=found.input.bits,
            input_beats=found.input.beats,
            result_bits=found.result.bits,
            result_beats=found.result.beats,
            output=found.result.output,
            classes=found.result.classes,
            checked_as=None if found.checked_as is None else bytes.fromhex(found.checked_as),
        )

    @property
    def check_identity(self) -> bytes:
        """The identity that the check of an answer begins with."""
        return self.identity if self.checked_as is None else self.checked_as

    @property
    def image_bytes(self) -> int:
        """Bytes of an image on the wire."""
        return wire_bytes(self.input_bits, self.input_beats)

    @property
    def result_bytes(self) -> int:
        """Bytes of the results of an image on the wire."""
        return wire_bytes(self.result_bits, self.result_beats)

    def encode(self, images: np.ndarray) -> list[bytes]:
        """The bytes on the wire of images (n, height, width, channels), or (n, height, width) of one channel.

        Raises SubbitError for images of another size, and for pixels that do not fit.
        """
        images = np.asarray(images)
        if images.ndim == 3 and self.channels == 1:
            images = images[..., None]
        size = (self.height, self.width, self.channels)
        if images.ndim != 4 or images.shape[1:] != size:
            raise SubbitError(
                f"images must be (n, {self.height}, {self.width}, {self.channels}) for the network on this board, "
                f"not {images.shape}"
            )
        most = (1 << self.bits) - 1
        wrong = images.dtype if images.dtype.kind not in "biu" else images[(images < 0) | (images > most)]
        if not isinstance(wrong, np.ndarray) or wrong.size:
            shown = wrong.flat[0] if isinstance(wrong, np.ndarray) else wrong
            raise SubbitError(f"pixels must be integers from 0 to {most}, not {shown}")
        beat, count = self.input_bits // 8, len(images)
        packed = frame_bytes(images.astype(np.uint8), self.bits, self.pixels_per_beat, self.input_bits)
        wire = np.frombuffer(packed, np.uint8).reshape(count, self.input_beats, beat)[..., ::-1]
        return [image.tobytes() for image in wire]

    def decode(self, results: bytes) -> tuple[np.ndarray | None, int]:
        """Scores int64 (classes,), or None where the board sends none, and the class."""
        size = -(-self.result_bits // 8)
        values = [int.from_bytes(results[at : at + size], "little") for at in range(0, len(results), size)]
        if self.output == "class":
            return None, values[0]
        half = 1 << (self.result_bits - 1)
        return np.array([(value ^ half) - half for value in values[:-1]], np.int64), values[-1]
