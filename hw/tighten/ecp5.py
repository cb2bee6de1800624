"""ECP5: half a CCU2C is a table of four inputs that says whether a carry goes on, and the operand that it is else.

S = table(A, B, C, D) xor CIN,   COUT = CIN where the table holds, else bits 3 to 0 of the same table at A and B

(CIN in S, and those bits, count as 0 where INJECT1 is "YES", which what is done here leaves as it is).
"""

from itertools import permutations

from hw.tighten.mapped import Bit, Mapped, Table, digits, number

__all__ = ["tighten"]

PINS = ("A", "B", "C", "D")
CARRY, INPUTS = "CCU2C", {pin + half for pin in PINS for half in "01"}


def tighten(netlist: Mapped, dense: bool) -> None:
    """Take tables into the carry cells that read them, where all their readers are such cells and have room.

    That costs no time: ``dense`` changes nothing.
    """
    del dense
    for name in netlist.of_kind("LUT4"):
        table = Table([netlist.bit(name, pin) for pin in PINS], number(netlist.cells[name]["parameters"]["INIT"]))
        out = netlist.bit(name, "Z")
        places = netlist.readers[out]
        halves = sorted({(cell, port[1:]) for cell, port, _ in places if cell and port in INPUTS})
        if not halves or any(netlist.kind(cell) != CARRY or port not in INPUTS for cell, port, _ in places):
            continue
        fitted = [found for cell, half in halves if (found := _fitted(netlist, cell, half, out, table))]
        if len(fitted) < len(halves):
            continue
        for (cell, half), (nets, entries) in zip(halves, fitted, strict=True):
            for pin, net in zip(PINS, nets, strict=True):
                netlist.connect(cell, pin + half, net)
            netlist.cells[cell]["parameters"][f"INIT{half}"] = digits(entries)
        netlist.remove(name)


def _fitted(netlist: Mapped, cell: str, half: str, net: Bit, table: Table) -> tuple[list[Bit], int] | None:
    """Inputs and table of half a carry cell that has taken in the table of one of its inputs, None where it cannot."""
    parameters = netlist.cells[cell]["parameters"]
    if not isinstance(net, int):
        return None
    pins = [netlist.bit(cell, pin + half) for pin in PINS]
    entries = number(parameters[f"INIT{half}"])
    passes = Table(pins, entries).replaced(net, table)
    other = Table(pins[:2], entries & 15).replaced(net, table)
    nets = sorted({*passes.nets, *other.nets})
    if len(nets) > 4:
        return None
    cases = [{each: j >> i & 1 for i, each in enumerate(nets)} for j in range(1 << len(nets))]
    slots: list[Bit] = [*nets, *["1"] * (4 - len(nets))]
    for order in dict.fromkeys(permutations(slots)):
        found = _placed(list(order), passes, other, cases)
        if found is not None:
            return list(order), found
    return None


def _placed(order: list[Bit], passes: Table, other: Table, cases: list[dict[int, int]]) -> int | None:
    known: dict[int, int] = {}
    for held in cases:
        at = sum((held[pin] if isinstance(pin, int) else 1) << i for i, pin in enumerate(order))
        known[at] = passes.value(held)
    for held in cases:
        if not passes.value(held):
            at = sum((held[pin] if isinstance(pin, int) else 1) << i for i, pin in enumerate(order[:2]))
            if known.setdefault(at, other.value(held)) != other.value(held):
                return None
    return sum(value << at for at, value in known.items())
