"""Why a build came to no bitstream, in one sentence."""

from collections.abc import Mapping

from boards.build.area import Areas

__all__ = ["BuildFailure", "DoesNotFit"]


class BuildFailure(Exception):
    """A tool did not do its work; the message is what it said and where the rest is."""


class DoesNotFit(BuildFailure):
    """The device has less than the design takes.

    ``counts``: used and available, by what they are called, of what is told; ``areas``: the synthesised design;
    ``packed``: how many logic cells of the device it came to, None where it was not packed.
    """

    def __init__(self, counts: Mapping[str, tuple[int, int]], areas: Areas, packed: int | None = None) -> None:
        self.counts, self.areas, self.packed = dict(counts), areas, packed
        over = [f"{used:,} {kind} where there are {room:,}" for kind, (used, room) in counts.items() if used > room]
        super().__init__(f"the design takes {' and '.join(over)}")
