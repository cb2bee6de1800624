"""What a host link is built for: sizes of images and results, the network's identity, the line's speed."""

from dataclasses import dataclass

from boards.link.protocol import RESULT_LIMIT, Identity, wire_bytes
from boards.link.protocol import VERSION as PROTOCOL_VERSION
from sw.errors import SubbitError

__all__ = ["BAUDS", "LinkShape", "fastest_baud"]

#: Rates to choose from, the best first.
BAUDS = (1_000_000, 115_200)
CYCLES_PER_BIT = 4  # The fewest that still find the middle of a bit.
TOLERANCE = 0.02


def fastest_baud(clock_hz: float) -> int:
    """The first of `BAUDS` that the clock divides well, else 115,200 whatever the clock."""
    return next((baud for baud in BAUDS if _cycles_per_bit(clock_hz, baud)), BAUDS[-1])


@dataclass(frozen=True)
class LinkShape:
    """Images of ``input_beats`` beats of ``input_bits``, results of ``result_beats`` beats of ``result_bits``.

    ``identity``: 8 bytes that tell the network, and how images and results are laid out, from any other. They are in
    memory; ``checked_as``, which the check of an answer begins with, is in logic, so that a design whose weights are
    replaced keeps that of its first network. It is by default the identity.

    Raises ValueError for sizes that make no sense, SubbitError where results or image are too large for the protocol
    or the clock does not divide to the baud.
    """

    input_bits: int
    input_beats: int
    result_bits: int
    result_beats: int
    identity: bytes
    clock_hz: int
    baud: int
    checked_as: bytes | None = None

    def __post_init__(self) -> None:
        for name in ("input_bits", "input_beats", "result_bits", "result_beats", "clock_hz", "baud"):
            if (value := getattr(self, name)) < 1:
                raise ValueError(f"{name} must be positive, not {value!r}")
        if self.input_bits % 8:
            raise ValueError(f"input_bits must be a multiple of 8, not {self.input_bits!r}")
        if len(self.identity) != 8:
            raise ValueError(f"identity must be 8 bytes, not {self.identity!r}")
        if len(self.check_identity) != 8:
            raise ValueError(f"checked_as must be 8 bytes, not {self.checked_as!r}")
        if self.image_bytes > 0xFFFF:
            raise SubbitError(f"an image of {self.image_bytes} bytes is too large for the host link's 65535")
        if self.result_bytes > RESULT_LIMIT:
            raise SubbitError(
                f"{self.result_bytes} bytes of scores are too many for the host link's {RESULT_LIMIT}: "
                'send the class alone (output "class" in the plan)'
            )
        if not _cycles_per_bit(self.clock_hz, self.baud):
            raise SubbitError(
                f"a clock of {self.clock_hz} Hz does not divide to {self.baud} baud within {TOLERANCE:.0%}: "
                f"choose another baud, such as {fastest_baud(self.clock_hz)}"
            )

    @property
    def check_identity(self) -> bytes:
        """The identity that the check of an answer begins with."""
        return self.identity if self.checked_as is None else self.checked_as

    @property
    def cycles_per_bit(self) -> int:
        """Clock cycles that a bit lasts."""
        return _cycles_per_bit(self.clock_hz, self.baud)

    @property
    def image_bytes(self) -> int:
        """Bytes of an image on the wire: its beats in order."""
        return wire_bytes(self.input_bits, self.input_beats)

    @property
    def result_bytes(self) -> int:
        """Bytes of an answer's results: its beats in order."""
        return wire_bytes(self.result_bits, self.result_beats)

    def described(self, flags: int = 0) -> Identity:
        """The reply to IDENTIFY."""
        return Identity(PROTOCOL_VERSION, self.identity, self.image_bytes, self.result_bytes, self.clock_hz, flags)


def _cycles_per_bit(clock_hz: float, baud: int) -> int:
    """Cycles of a bit, or 0 where they are too few or the rate is missed by over 2 %."""
    cycles = round(clock_hz / baud)
    return cycles if cycles >= CYCLES_PER_BIT and abs(clock_hz / cycles / baud - 1) <= TOLERANCE else 0
