"""What goes over the wire between host and board: frames, requests and replies. docs/link.md tells it in words.

Both ends, the model and the tests read it from here. Integers have their low byte first, but for the CRC-16, whose high
byte comes first, as is usual for this one.
"""

import struct
import zlib
from binascii import crc_hqx
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from enum import IntEnum, IntFlag
from typing import ClassVar, Self

from cobs import cobs

__all__ = [
    "BUSY_UNIT",
    "CHUNK_LIMIT",
    "CONTENT_LIMIT",
    "DELIMITER",
    "REPLY",
    "RESULT_LIMIT",
    "VERSION",
    "Answer",
    "Chunk",
    "Counters",
    "Fields",
    "Flags",
    "Frame",
    "Identity",
    "Kind",
    "Progress",
    "Splitter",
    "check_of",
    "wire_bytes",
]

VERSION = 1
DELIMITER = b"\0"
BUSY_UNIT = 256  #: Cycles.
REPLY = 0x80  #: A reply has the kind of its request and this bit.
CONTENT_LIMIT = 253  #: Bytes of a frame before COBS: a code byte of 0xff, the one special case of COBS, never occurs.
OVERHEAD = 4  #: Kind, sequence and CRC-16.


class Kind(IntEnum):
    """First byte of a frame's content."""

    IDENTIFY = 1
    IMAGE = 2
    COUNTERS = 3
    RESET = 4
    ANSWER = 5 | REPLY  # comes by itself, when the image has been computed


class Flags(IntFlag):
    """What a board says beside its progress."""

    OVERRUN = 1  #: Since the last progress a frame found no room and was dropped.
    LOADING = 2  #: Weights are still being loaded: no image is taken.


@dataclass(frozen=True)
class Frame:
    """Content of a frame. ``sequence`` is any number that the host chose for a request, and comes back in its reply;
    in an ANSWER it is the number of the image."""

    kind: int
    sequence: int
    payload: bytes = b""

    def encode(self) -> bytes:
        """The bytes on the wire, with the delimiter at the end. Raises ValueError where the content is too long."""
        content = bytes([self.kind, self.sequence]) + self.payload
        if len(content) + 2 > CONTENT_LIMIT:
            raise ValueError(f"payload must be at most {CONTENT_LIMIT - OVERHEAD} bytes, not {len(self.payload)}")
        return cobs.encode(content + crc_hqx(content, 0xFFFF).to_bytes(2, "big")) + DELIMITER

    @classmethod
    def decode(cls, encoded: bytes) -> "Frame | None":
        """The frame whose bytes before the delimiter are ``encoded``, or None where it is damaged."""
        try:
            content = cobs.decode(encoded)
        except cobs.DecodeError:
            return None
        if not OVERHEAD <= len(content) <= CONTENT_LIMIT or crc_hqx(content, 0xFFFF):
            return None
        return cls(content[0], content[1], content[2:-2])


class Splitter:
    """Cuts what is received into frames, whatever the pieces in which it comes. ``damaged`` counts the broken ones."""

    def __init__(self) -> None:
        self.damaged = 0
        self._begun = bytearray()

    def __call__(self, received: bytes) -> Iterator[Frame]:
        """The frames that end in ``received``. Nothing between two delimiters is no frame."""
        *ended, begun = (bytes(self._begun) + received).split(DELIMITER)
        self._begun = bytearray(begun[-2 * CONTENT_LIMIT :])
        for encoded in filter(None, ended):
            frame = Frame.decode(encoded)
            if frame is None:
                self.damaged += 1
            else:
                yield frame


class Fields:
    """A payload of fields at fixed places, as ``struct`` names them."""

    layout: ClassVar[struct.Struct]

    @classmethod
    def unpack(cls, payload: bytes) -> Self | None:
        """The fields, or None where the payload has another size."""
        return cls(*cls.layout.unpack(payload)) if len(payload) == cls.layout.size else None

    def pack(self) -> bytes:
        """The bytes of a payload."""
        return self.layout.pack(*astuple(self))  # type: ignore[call-overload]


@dataclass(frozen=True)
class Identity(Fields):
    """Reply to IDENTIFY. ``network`` tells networks apart; ``image_bytes`` and ``result_bytes`` are sizes on the wire;
    of ``flags`` LOADING alone is used."""

    layout = struct.Struct("<B8sHBIB")
    version: int
    network: bytes
    image_bytes: int
    result_bytes: int
    clock_hz: int
    flags: int


@dataclass(frozen=True)
class Progress(Fields):
    """Reply to IMAGE: the image that the board is at, and how many of its bytes it has."""

    layout = struct.Struct("<BHB")
    number: int
    taken: int
    flags: int


@dataclass(frozen=True)
class Counters(Fields):
    """Reply to COUNTERS: since the board was configured, whatever RESETs there were, each modulo 2^32.

    ``frames``: good ones; ``damaged``; ``unused``: good ones that asked for nothing to be done, such as repeated
    chunks; ``overruns``: dropped for lack of room; ``images``: computed. ``busy``: core clock cycles, in units of
    `BUSY_UNIT`, between the last beat of an image going in and its last result coming out, all images together.
    """

    layout = struct.Struct("<IIIIII")
    frames: int
    damaged: int
    unused: int
    overruns: int
    images: int
    busy: int


@dataclass(frozen=True)
class Chunk:
    """Payload of IMAGE: ``data`` stands at ``offset`` in the image ``number``. Without data it asks how far the image
    is, and for its answer."""

    HEADER: ClassVar[struct.Struct] = struct.Struct("<BH")
    number: int
    offset: int
    data: bytes = b""

    def pack(self) -> bytes:
        """The bytes of the payload."""
        return self.HEADER.pack(self.number, self.offset) + self.data

    @classmethod
    def unpack(cls, payload: bytes) -> "Chunk | None":
        """The chunk, or None where the payload is too short."""
        if len(payload) < cls.HEADER.size:
            return None
        number, offset = cls.HEADER.unpack_from(payload)
        return cls(number, offset, payload[cls.HEADER.size :])


@dataclass(frozen=True)
class Answer:
    """Payload of ANSWER: all result beats of the image, and `check_of` it."""

    TRAILER: ClassVar[struct.Struct] = struct.Struct("<I")
    results: bytes
    check: int

    def pack(self) -> bytes:
        """The bytes of the payload."""
        return self.results + self.TRAILER.pack(self.check)

    @classmethod
    def unpack(cls, payload: bytes) -> "Answer | None":
        """The answer, or None where the payload is too short."""
        if len(payload) < cls.TRAILER.size:
            return None
        (check,) = cls.TRAILER.unpack(payload[-cls.TRAILER.size :])
        return cls(payload[: -cls.TRAILER.size], check)


def check_of(network: bytes, image: bytes, results: bytes) -> int:
    """CRC-32 that ties an answer to the network and the image of which it is the answer."""
    return zlib.crc32(results, zlib.crc32(image, zlib.crc32(network)))


CHUNK_LIMIT = CONTENT_LIMIT - OVERHEAD - Chunk.HEADER.size  #: Bytes of an image in one frame.
RESULT_LIMIT = 215  #: Bytes of all results of an image, so that they fit one memory of a board with all else there.


def wire_bytes(bits: int, beats: int) -> int:
    """Bytes on the wire of ``beats`` beats of ``bits`` bits, each rounded up to bytes and sent low byte first."""
    return -(-bits // 8) * beats
