"""What stands in a board's flash memory beside the bitstream: the words that a design loads, and their check.

The words are those of `hw.loader.load_words`, each low byte first; behind them comes a CRC-32 of all these bytes, high
byte first. It is CRC-32/BZIP2, which takes the bits in the order in which a flash memory sends them: every byte's
highest bit first.
"""

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sw.errors import SubbitError

__all__ = ["FLASH_IMAGE", "WEIGHTS", "check_of", "flash_image", "weights_image", "write_flash_image"]

#: What they are called in the folder of a build: the words with their check, and the bitstream with them.
WEIGHTS, FLASH_IMAGE = "weights.bin", "flash.bin"


def check_of(contents: bytes) -> int:
    """CRC-32/BZIP2: the usual CRC-32 with the bits of each byte, and those of the result, the other way round."""
    mirrored = np.packbits(np.unpackbits(np.frombuffer(contents, np.uint8), bitorder="little"))
    return int(f"{zlib.crc32(mirrored.tobytes()):032b}"[::-1], 2)


def weights_image(words: Sequence[int]) -> bytes:
    """The bytes in flash memory for ``words`` of 16 bits: the words and their check."""
    contents = np.array(words, "<u2").tobytes()
    return contents + check_of(contents).to_bytes(4, "big")


def flash_image(bitstream: bytes, weights: bytes, address: int) -> bytes:
    """``bitstream`` from the beginning, ``weights`` at ``address``, between them what erased memory reads as.

    Raises SubbitError where the bitstream reaches the weights.
    """
    if len(bitstream) > address:
        raise SubbitError(
            f"The bitstream has {len(bitstream)} bytes and the weights stand at {address}: choose a board whose "
            "weights stand further up."
        )
    return bitstream.ljust(address, b"\xff") + weights


def write_flash_image(folder: Path, description: Mapping[str, Any], bitstream: str) -> str:
    """Name of the file that goes into the board's flash memory: ``bitstream``, or the image that is written to
    ``folder`` where the design that ``description`` (board.json) describes loads weights.

    Raises SubbitError where the bitstream reaches the weights.
    """
    weights = description.get("weights")
    if weights is None:
        return bitstream
    try:
        contents, code = (folder / weights["file"]).read_bytes(), (folder / bitstream).read_bytes()
    except OSError as error:
        raise SubbitError(
            f"{error.filename} cannot be read ({error.strerror}): build the design again with 'subbit build'."
        ) from error
    image = flash_image(code, contents, weights["address"])
    (folder / FLASH_IMAGE).write_bytes(image)
    return FLASH_IMAGE
