"""Whether a mutant ever does anything else than the original in the state that the original is in.

Both have the same registers. One copy of them, stepped by the original, feeds the logic of both; the claim is that next
states and outputs are the same in every state that can be reached. Then, by induction, so are the two for ever. What
cannot happen is all that must be found out, and the data need not be followed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Graph", "joined"]


@dataclass(frozen=True)
class Graph:
    """An and-inverter graph: literals are 2 * variable + inverted; ``inputs`` and ``latches`` by name, ``outputs`` in
    the order of the ports; ``places`` are theirs by name, but for those that are constants.

    ``following`` is each latch's next value, ``gates`` are (result, a, b), each after what it needs.
    """

    inputs: dict[str, int]
    latches: dict[str, int]
    following: dict[int, int]
    outputs: list[int]
    places: dict[str, int]
    gates: list[tuple[int, int, int]]
    largest: int

    @classmethod
    def read(cls, graph: Path, names: Path) -> "Graph":
        """What Yosys wrote with ``write_aiger -ascii -map``."""
        lines = [
            list(map(int, line.split()[1:] if at == 0 else line.split())) for at, line in enumerate(numbers(graph))
        ]
        (largest, *sizes), rest = lines[0], lines[1:]
        parts = []
        for size in sizes:
            parts.append(rest[:size])
            rest = rest[size:]
        inputs, latches, outputs, gates = parts
        places: dict[str, dict[str, int]] = {"input": {}, "latch": {}, "output": {}}
        for line in names.read_text().splitlines():
            kind, at, bit, name = line.split(" ", 3)
            # A register that starts at 1 is kept inverted, in both alike.
            kind = kind.removeprefix("inv")
            if kind in places:
                places[kind][f"{name} {bit}"] = int(at)
        return cls(
            {name: inputs[at][0] for name, at in places["input"].items()},
            {name: latches[at][0] for name, at in places["latch"].items()},
            {latch[0]: latch[1] for latch in latches},
            [output[0] for output in outputs],
            places["output"],
            [(gate[0], gate[1], gate[2]) for gate in gates],
            largest,
        )


def numbers(graph: Path) -> Iterable[str]:
    """The lines of a graph before its names and comments."""
    for at, line in enumerate(graph.read_text().splitlines()):
        if at and not line[:1].isdigit():
            return
        yield line


def joined(original: Graph, mutant: Graph) -> bytes:
    """Both as one graph in AIGER's binary form, with one output: whether ``mutant`` differs in the same state.

    Raises ValueError where the two cannot be compared like this: where the fault took a register's name away.
    """
    if len(original.outputs) != len(mutant.outputs) or set(mutant.inputs) != set(original.inputs):
        raise ValueError("the mutant has other ports")
    if set(mutant.latches) - set(original.latches) or set(mutant.following) - set(mutant.latches.values()):
        raise ValueError("the mutant has registers of its own")
    gates, top = list(original.gates), original.largest
    same = {0: 0} | {literal: original.inputs[name] for name, literal in mutant.inputs.items()}
    for name, literal in mutant.latches.items():
        if same.setdefault(literal, original.latches[name]) != original.latches[name]:
            raise ValueError(f"{name} is another register in the mutant")

    def both(a: int, b: int) -> int:
        nonlocal top
        top += 1
        gates.append((2 * top, max(a, b), min(a, b)))
        return 2 * top

    def of(literal: int) -> int:
        return same[literal & ~1] ^ (literal & 1)

    for result, a, b in mutant.gates:
        same[result] = both(of(a), of(b))
    pairs = {
        (original.following[original.latches[name]], of(mutant.following[at])) for name, at in mutant.latches.items()
    }
    pairs |= {(own, of(other)) for own, other in zip(original.outputs, mutant.outputs, strict=True)}
    agree = 1
    for a, b in sorted(pairs):
        agree = both(agree, both(both(a, b ^ 1) ^ 1, both(a ^ 1, b) ^ 1))
    count = len(original.inputs), len(original.following)
    lines = [f"aig {top} {count[0]} {count[1]} 1 {len(gates)}", *map(str, original.following.values()), str(agree ^ 1)]
    packed = b"".join(delta(result - max(a, b)) + delta(abs(a - b)) for result, a, b in gates)
    return "\n".join(lines).encode() + b"\n" + packed


def delta(number: int) -> bytes:
    """A number as AIGER packs it: seven bits a byte, low ones first, the top bit where more follow."""
    packed = bytearray()
    while number > 127:
        packed.append(number & 127 | 128)
        number >>= 7
    return bytes([*packed, number])
