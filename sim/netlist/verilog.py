"""Writes a netlist as Verilog: scalar nets, one instance a cell, nothing else."""

import re
from collections.abc import Mapping

from sim.netlist.netlist import Bit, Cell, Netlist, text_of

__all__ = ["verilog"]


def verilog(netlist: Netlist) -> str:
    """Verilog of ``netlist`` as module ``netlist.top``, with the ports that it has."""
    names, assigns = _port_nets(netlist)
    lines = [f"module {_name(netlist.top)}({', '.join(_name(name) for name in netlist.ports)});"]
    for name, port in netlist.ports.items():
        width = "" if port.single else f"[{port.offset + len(port.bits) - 1}:{port.offset}] "
        lines.append(f"  {port.direction} {width}{_name(name)};")
    lines += [f"  wire n{net};" for net in sorted(bit for bit in netlist.bits() - names.keys() if isinstance(bit, int))]
    lines += assigns
    lines += [_instance(cell, names) for cell in netlist.cells.values()]
    return "\n".join([*lines, "endmodule", ""])


def _port_nets(netlist: Netlist) -> tuple[dict[Bit, str], list[str]]:
    """The nets that are the top's own ports, and assignments for port bits whose net has another name already.

    Inputs come first, so that an output which is an input's net is assigned from it.
    """
    names: dict[Bit, str] = {}
    assigns = []
    order = {"inout": 0, "input": 1, "output": 2}
    for name, port in sorted(netlist.ports.items(), key=lambda item: order[item[1].direction]):
        for index, bit in enumerate(port.bits):
            place = _name(name) if port.single else f"{_name(name)}[{port.offset + index}]"
            if isinstance(bit, int) and bit not in names:
                names[bit] = place
            elif port.direction == "output":
                assigns.append(f"  assign {place} = {_bit(bit, names)};")
    return names, assigns


def _instance(cell: Cell, names: Mapping[Bit, str]) -> str:
    parameters = ", ".join(f".{_name(key)}({_value(value)})" for key, value in cell.parameters.items())
    ports = ", ".join(f".{_name(port)}({_bits(bits, names)})" for port, bits in cell.connections.items() if len(bits))
    return f"  {_name(cell.kind)} {f'#({parameters}) ' if parameters else ''}\\{cell.name}  ({ports});"


def _bits(bits: tuple[Bit, ...], names: Mapping[Bit, str]) -> str:
    written = [_bit(bit, names) for bit in reversed(bits)]
    return written[0] if len(written) == 1 else f"{{{', '.join(written)}}}"


def _bit(bit: Bit, names: Mapping[Bit, str]) -> str:
    return names.get(bit) or (f"n{bit}" if isinstance(bit, int) else f"1'b{bit}")


def _value(value: str) -> str:
    text = text_of(value)
    if text is None and len(value) > 64 and not value.strip("01"):
        return f"{len(value)}'h{int(value, 2):x}"
    if text is None:
        return f"{len(value)}'b{value.replace('-', 'x')}"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _name(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_]\w*", name) else f"\\{name} "
