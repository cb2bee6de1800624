"""iCE40: a logic cell's table has an input that its carry leaves free, and can put out the complement of a sum."""

from collections.abc import Sequence

from hw.tighten.mapped import Bit, Mapped, Table, digits, number

__all__ = ["tighten"]

PINS = ("I0", "I1", "I2", "I3")
INIT, LUT, CARRY = "LUT_INIT", "SB_LUT4", "SB_CARRY"


def tighten(netlist: Mapped, dense: bool) -> None:
    """Take inverters into the tables before them, and with ``dense`` tables into those of the sums that they read."""
    for name in netlist.of_kind(LUT):
        _inverter(netlist, name)
    for name in netlist.of_kind(LUT) if dense else ():
        _after_sums(netlist, name)
    for name in netlist.of_kind(LUT):
        _at_the_end(netlist, name)


def _entries(netlist: Mapped, cell: str) -> int:
    return number(netlist.cells[cell]["parameters"][INIT])


def _table(netlist: Mapped, cell: str) -> Table:
    return Table([netlist.bit(cell, pin) for pin in PINS], _entries(netlist, cell))


def _inverter(netlist: Mapped, cell: str) -> None:
    """Take an inverter away: the table before it puts out the complement, and other tables that read it turn it."""
    table = _table(netlist, cell)
    if len(table.nets) != 1 or table.entries != 0b01:
        return
    net = table.nets[0]
    source = netlist.source(net)
    others = [place for place in netlist.readers[net] if place[0] != cell]
    if source is None or netlist.kind(source) != LUT or any(netlist.kind(place[0]) != LUT for place in others):
        return
    parameters = netlist.cells[source]["parameters"]
    parameters[INIT] = digits(_entries(netlist, source) ^ 0xFFFF)
    for reader, pin, _ in others:
        assert reader is not None
        old, flip = _entries(netlist, reader), 1 << PINS.index(pin)
        turned = sum((old >> (j ^ flip) & 1) << j for j in range(16))
        netlist.cells[reader]["parameters"][INIT] = digits(turned)
    out = netlist.bit(cell, "O")
    netlist.remove(cell)
    netlist.move(out, net)


def _after_sums(netlist: Mapped, cell: str) -> None:
    """Take a table away that reads sums alone but for one net: a step of it goes into the cell of each sum."""
    table, out = _table(netlist, cell), netlist.bit(cell, "O")
    free = [net for net in table.nets if _can_take(netlist, net)]
    # A carry that a table reads alone needs no cell to come out of its chain; it would where another cell read it.
    ends_a_chain = any(netlist.kind(netlist.source(net)) == CARRY for net in table.nets)
    steps = None if ends_a_chain or not 2 <= len(table.nets) <= len(free) + 1 else _steps(table, free)
    if steps is None:
        return
    known, *rest = steps
    carried: Bit = known[0]
    netlist.remove(cell)
    for at, (net, step) in enumerate(rest):
        holder = netlist.source(net)
        assert holder is not None
        own = Table(["0", *(netlist.bit(holder, pin) for pin in PINS[1:])], _entries(netlist, holder))
        pins = [carried, *(netlist.bit(holder, pin) for pin in PINS[1:])]
        entries = 0
        for j in range(16):
            held = {pin: j >> i & 1 for i, pin in enumerate(pins) if isinstance(pin, int)}
            entries |= (step >> (j & 1 | own.value(held) << 1) & 1) << j
        netlist.cells[holder]["parameters"][INIT] = digits(entries)
        netlist.connect(holder, "I0", carried)
        carried = net
        if at == len(rest) - 1:
            netlist.move(out, net)


def _at_the_end(netlist: Mapped, cell: str) -> None:
    """Let a table alone with the last carry of a chain read it where the next cell of the chain does."""
    pins: list[Bit] = [netlist.bit(cell, pin) for pin in PINS]
    if _adds(netlist, cell):
        return
    for at, net in enumerate(pins[:3]):
        if netlist.kind(netlist.source(net)) == CARRY and len(netlist.readers[net]) == 1:
            pins[at], pins[3] = pins[3], net
            entries = _table(netlist, cell).on(pins)
            netlist.cells[cell]["parameters"][INIT] = digits(entries)
            for pin, bit in zip(PINS, pins, strict=True):
                netlist.connect(cell, pin, bit)
            return


def _can_take(netlist: Mapped, net: int) -> bool:
    """Whether a net is a sum that one table reads, in a cell with an input left."""
    holder = netlist.source(net)
    if holder is None or netlist.kind(holder) != LUT or len(netlist.readers[net]) != 1:
        return False
    return _adds(netlist, holder) and netlist.bit(holder, "I0") not in _table(netlist, holder).nets


def _adds(netlist: Mapped, cell: str) -> bool:
    """Whether a table stands with a carry: it reads one, or the operands of one that nothing is carried into."""
    if netlist.kind(netlist.source(netlist.bit(cell, "I3"))) == CARRY:
        return True
    left, right = netlist.bit(cell, "I1"), netlist.bit(cell, "I2")
    carries = (name for name, port, _ in netlist.readers[left] if port == "I0" and netlist.kind(name) == CARRY)
    return isinstance(left, int) and any(name and netlist.bit(name, "I1") == right for name in carries)


def _steps(table: Table, free: Sequence[int]) -> list[tuple[int, int]] | None:
    """A table as steps: the first net alone, then each of a free net and what is known before it; None if it is not.

    Bit known + 2 * net of a step's number is what is known after it. A complement of what is known is as good: no step
    asks for it but the one that comes next.
    """
    if len(table.nets) == 1:
        return [(table.nets[0], 0b10)]
    for net in table.nets:
        others = [other for other in table.nets if other != net]
        halves = [table.replaced(net, Table([str(bit)], 0b10)) for bit in (0, 1)]
        known = next((half for half in halves if half.nets), None)
        if net not in free or known is None or known.nets != tuple(others):
            continue
        known = known if len(others) > 1 else Table(others, 0b10)
        ones = (1 << (1 << len(others))) - 1
        meanings = {known.entries: 0b10, known.entries ^ ones: 0b01}
        parts = [meanings.get(half.entries) if half.nets else 0b11 * half.entries for half in halves]
        below = None if None in parts or any(h.nets not in ((), known.nets) for h in halves) else _steps(known, free)
        if below is not None:
            return [*below, (net, sum(part << 2 * bit for bit, part in enumerate(parts) if part))]
    return None
