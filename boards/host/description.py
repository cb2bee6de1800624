"""What a host must know of a board: how images go in and results come out, and which network it holds."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from boards.link.protocol import wire_bytes
from hw.frames import frame_bytes
from sw.errors import SubbitError

__all__ = ["DESCRIPTION", "FORMAT", "BoardDescription"]

#: The file that every folder of a design holds, and the version of what it says.
DESCRIPTION, FORMAT = "board.json", 1


@dataclass(frozen=True)
class BoardDescription:
    """A design as its board.json tells it.

    Images are uint8 (n, ``height``, ``width``, ``channels``) of ``bits`` bits. ``output`` is "scores" or "class".
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

    @classmethod
    def load(cls, path: Path | str) -> "BoardDescription":
        """Read board.json, or the one in a folder. Raises SubbitError where it is none."""
        path = Path(path)
        path = path / DESCRIPTION if path.is_dir() else path
        try:
            fields = json.loads(path.read_text())
        except OSError as error:
            raise SubbitError(f"{path} cannot be read ({error.strerror}): name the folder of subbit build") from error
        except ValueError as error:
            raise SubbitError(f"{path} is not a board.json: name the folder that subbit build wrote") from error
        return cls.of(fields, str(path))

    @classmethod
    def of(cls, fields: dict[str, Any], name: str = DESCRIPTION) -> "BoardDescription":
        """The description in the fields of board.json. Raises SubbitError where they are not all there."""
        try:
            if fields["format"] != FORMAT:
                raise SubbitError(f"{name} has format {fields['format']}, not {FORMAT}: use the subbit that wrote it")
            images, results = fields["input"], fields["result"]
            image = images["image"]
            return cls(
                board=fields["board"],
                identity=bytes.fromhex(fields["identity"]),
                baud=fields["baud"],
                **{key: image[key] for key in ("height", "width", "channels", "bits")},
                pixels_per_beat=images["pixels_per_beat"],
                input_bits=images["bits"],
                input_beats=images["beats"],
                result_bits=results["bits"],
                result_beats=results["beats"],
                output=results["output"],
                classes=results["classes"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise SubbitError(f"{name} is damaged ({error}): build the design again") from error

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
