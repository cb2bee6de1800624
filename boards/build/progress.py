"""What the tools say, line by line, turned into the few steps that a person wants to follow."""

import re
from collections.abc import Callable

__all__ = ["PlaceAndRoute", "Synthesis", "Tell"]

Tell = Callable[[str], None]

PASS = re.compile(r"(\d+(?:\.\d+)?)\. Executing (\w+)")
PASSES = {
    "HIERARCHY": "reading the design",
    "FLATTEN": "joining the modules",
    "ALUMACC": "finding the arithmetic",
    "MEMORY_LIBMAP": "placing memories into block RAM",
    "ABC": "making look-up tables",
    "ABC9": "making look-up tables",
}

USED = re.compile(r"^(?:Info: )?\s+(\w+):\s*(\d+)\s*/\s*(\d+)\s+\d+%")
PLACING = re.compile(r"at iteration #(\d+), type \w+: .*legal = (\d+)")
ARCS = re.compile(r"Routing (\d+) arcs")
ROUTER1 = re.compile(r"^(?:Info: )?\s*\d+ \|[^|]*\|[^|]*\|\s*(\d+)\|")
ROUTER2 = re.compile(r"iter=(\d+) wires=(\d+) overused=(\d+)")
FASTEST = re.compile(r"Max frequency for clock\s+'([^']+)': ([\d.]+) MHz \(\w+ at ([\d.]+) MHz\)")
PLACE_EVERY = 5
ROUTE_EVERY = 10


class Synthesis:
    """Follows Yosys: the main passes, each told once."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._told: set[str] = set()

    def __call__(self, line: str) -> None:
        """Take one line of its output."""
        found = PASS.match(line)
        text = PASSES.get(found[2]) if found else None
        if text is not None and text not in self._told:
            self._told.add(text)
            self._tell(text)


class PlaceAndRoute:
    """Follows nextpnr: packing, every fifth iteration of the placer, every tenth of the routing, the clocks.

    ``used``: by kind of cell, how many the packed design has and the device offers, once nextpnr has told.
    """

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._arcs = 0
        self._routed = 0
        self._routing = False
        self.used: dict[str, tuple[int, int]] = {}

    def __call__(self, line: str) -> None:
        """Take one line of its output."""
        if found := USED.match(line):
            self.used[found[1]] = (int(found[2]), int(found[3]))
        elif "Preparing to run" in line:
            self._tell("the program is compiled for this machine, this once")
        elif "Packing constants" in line or "Create constant nets" in line:
            self._tell("packing")
        elif found := PLACING.search(line):
            self._placed(int(found[1]), int(found[2]))
        elif "simulated annealing placer" in line:
            self._tell("placing: refined by simulated annealing")
        elif found := ARCS.search(line):
            self._arcs, self._routing = int(found[1]), True
        elif found := ROUTER1.match(line):
            self._share_routed(int(found[1]))
        elif found := ROUTER2.search(line):
            self._routing = True
            self._tell(f"routing: iteration {int(found[1])}, {int(found[3]):,} wires used twice")
        elif self._routing and (found := FASTEST.search(line)):
            self._tell(f"timing: {float(found[2]):.1f} MHz of {float(found[3]):g} MHz for {found[1]}")

    def _placed(self, iteration: int, wires: int) -> None:
        if iteration % PLACE_EVERY == 1:
            self._tell(f"placing: iteration {iteration}, wire length {wires:,}")

    def _share_routed(self, remaining: int) -> None:
        share = 100 * max(0, self._arcs - remaining) // max(1, self._arcs)
        if share >= self._routed + ROUTE_EVERY or (remaining == 0 and self._routed < 100):
            self._routed = 100 if remaining == 0 else share // ROUTE_EVERY * ROUTE_EVERY
            self._tell(f"routing: {self._routed} %")
