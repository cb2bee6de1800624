"""What a board's design says in board.json, as far as several packages read it."""

from typing import Annotated

from pydantic import Field

from sw.documents import FileName, Section

__all__ = ["LARGEST_FLASH", "StoredWeights"]

#: Bytes of the largest flash memory that a design can reach: its addresses have 24 bits.
LARGEST_FLASH = 1 << 24


class StoredWeights(Section):
    """The words that a design loads: the ``file`` with them, and where in flash memory they stand."""

    file: FileName
    address: Annotated[int, Field(ge=0, lt=LARGEST_FLASH)]
    words: Annotated[int, Field(ge=1, le=LARGEST_FLASH // 2)]
