"""The wires of a Gowin chip, joined as the switches of a bitstream join them."""

from collections.abc import Iterable, Mapping
from typing import Any

from sim.netlist.fuses.chip import Chip, Coordinates, Fuses
from sw.errors import SubbitError

__all__ = ["HIGH", "LOW", "Fabric"]

HIGH, LOW = "VCC", "VSS"
Switches = Mapping[str, tuple[Fuses, Mapping[Fuses, tuple[str, ...]]]]
#: Long wires of a row that come from the first of two switches; as many come from the second.
_OF_A_KIND = 4
#: Short wires between neighbours have a name on either side, and one of their own.
_SHORT = {"N11": "SN10", "S11": "SN10", "N12": "SN20", "S12": "SN20"}
_SHORT |= {"W11": "EW10", "E11": "EW10", "W12": "EW20", "E12": "EW20"}


class Fabric:
    """Where each wire of ``chip`` gets its value from.

    A switch whose fuses are all 0 hands on what it is made to by default, where there is such a thing: 1 to clock
    enables, resets and clocks.
    """

    def __init__(self, chip: Chip) -> None:
        self.chip = chip
        self._same: dict[str, str] = {}
        for _, members in chip.database.nodes.values():
            self._join(((row, column), name) for row, column, name in members)
        self._join_columns()
        kinds: dict[int, Switches] = {}
        self._before: dict[str, str] = {}
        self._strange: set[str] = set()
        chosen: set[str] = set()
        for place in chip.places:
            tile, fuses = chip.tile(place), chip.fuses(place)
            if tile.ttyp not in kinds:
                kinds[tile.ttyp] = _switches(tile)
            for name, (own, choices) in kinds[tile.ttyp].items():
                wire, used = self.wire(place, name), own & fuses
                sources = {self.wire(place, source) for source in self._there(place, choices.get(used, ()))}
                if len(sources) != 1 or (used and wire in chosen and self._before[wire] not in sources):
                    if used:
                        self._strange.add(wire)
                elif used or wire not in self._before:
                    (self._before[wire],) = sources
                if used:
                    chosen.add(wire)

    def _join(self, members: Iterable[tuple[Coordinates, str]]) -> None:
        """Give wires that are one another a name in common."""
        names = sorted({self._plain(place, name) for place, name in members})
        self._same |= dict.fromkeys(names, names[0])

    def _join_columns(self) -> None:
        """The long wires: one down a part of a column, from gates at either end, and in every row of it one across its
        neighbours. gowin_unpack leaves them out."""
        for (_, column, number), part in self.chip.database.segments.items():
            down, across = ("LT04", "LBO1") if number >= _OF_A_KIND else ("LT01", "LBO0")
            rows = range(part["min_y"], part["max_y"] + 1)
            ends = [((part[f"{end}_row"], column), part[f"{end}_wire"]) for end in ("top", "bottom")]
            self._join([*(((row, column), down) for row in rows), *ends])
            for row in rows:
                beside = [((row, at), f"LB{number}1") for at in range(part["min_x"], part["max_x"] + 1)]
                self._join([((row, column), across), *beside])

    def _there(self, place: Coordinates, sources: Iterable[str]) -> list[str]:
        """Of sources that the same fuses choose in different tiles of a kind, those that the tile at ``place`` has."""
        found = list(sources)
        return found if len(found) < 2 else [name for name in found if self._plain(place, name) in self._same]

    def wire(self, place: Coordinates, name: str) -> str:
        """The one name of the wire that is called ``name`` in the tile at ``place``."""
        plain = self._plain(place, name)
        return self._same.get(plain, plain)

    def source(self, wire: str) -> str:
        """The wire where the value of ``wire`` comes from: no switch is before it.

        Raises SubbitError where a switch is set as none is that apycula knows, or wires go round in a ring.
        """
        passed: set[str] = set()
        while wire in self._before or wire in self._strange:
            if wire in self._strange or wire in passed:
                raise SubbitError(f"The bitstream sets the switch of the wire {wire} as none is that apycula knows.")
            passed.add(wire)
            wire = self._before[wire]
        return wire

    def _plain(self, place: Coordinates, name: str) -> str:
        wire = self.chip.wire(place, name)
        tile, _, rest = wire.rpartition("_")
        return f"{tile}_{_SHORT[rest]}" if rest in _SHORT else wire


def _switches(tile: Any) -> Switches:
    """For each wire that tiles of this kind drive, the fuses of its switch, and what they choose by those set."""
    found = {}
    for name, sources in (*tile.pips.items(), *tile.clock_pips.items()):
        choices: dict[Fuses, tuple[str, ...]] = {}
        for source, fuses in sources.items():
            # Some fuses are set where the source is none of those listed with them.
            alone = (own for listed, own in tile.alonenode.get(name, ()) if source not in listed)
            needed = frozenset(fuses).union(*alone)
            choices[needed] = (*choices.get(needed, ()), source)
        found[name] = frozenset[Coordinates]().union(*choices), choices
    return found
