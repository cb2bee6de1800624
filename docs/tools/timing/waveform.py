"""A recorded waveform, cycle by cycle."""

import re
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

from vcd.reader import TokenKind, tokenize

__all__ = ["cycles"]

UNNAMED = re.compile(rb"\$var \w+ \d+ \S+ \$")


def cycles(path: Path, signals: Sequence[str], clock: str = "clk") -> dict[str, list[int]]:
    """The value of each signal in every cycle of ``clock``: what stands when the next rising edge comes.

    ``path`` is a VCD. Signals are those of the outermost scope that has them; bits of x or z count as 0. Raises
    ValueError where there is no signal of a name.
    """
    found: dict[str, list[int]] = {name: [] for name in signals}
    now = dict.fromkeys((*signals, clock), 0)
    for changed in moments(path, (*signals, clock)):
        if changed.get(clock, 0) and not now[clock]:
            for name in signals:
                found[name].append(now[name])
        now |= changed
    return found


def moments(path: Path, wanted: Sequence[str]) -> Iterator[dict[str, int]]:
    """What changes, moment by moment, by name."""
    names: dict[str, str] = {}
    outermost: dict[str, int] = {}
    changed: dict[str, int] = {}
    depth = 0
    # Amaranth calls what has no name "$signal", which is no reference to the reader.
    lines = (line for line in path.read_bytes().splitlines(keepends=True) if not UNNAMED.match(line))
    with BytesIO(b"".join(lines)) as file:
        for token in tokenize(file):
            match token.kind:
                case TokenKind.SCOPE:
                    depth += 1
                case TokenKind.UPSCOPE:
                    depth -= 1
                case TokenKind.VAR if token.var.reference in wanted:
                    name = token.var.reference
                    if depth < outermost.get(name, depth + 1):
                        outermost[name] = depth
                        names = {code: other for code, other in names.items() if other != name}
                        names[token.var.id_code] = name
                case TokenKind.ENDDEFINITIONS:
                    missing = [name for name in wanted if name not in outermost]
                    if missing:
                        raise ValueError(f"{path} must have a signal {missing[0]!r}, and has none")
                case TokenKind.CHANGE_TIME:
                    yield changed
                    changed = {}
                case TokenKind.CHANGE_SCALAR if token.scalar_change.id_code in names:
                    changed[names[token.scalar_change.id_code]] = number(token.scalar_change.value)
                case TokenKind.CHANGE_VECTOR if token.vector_change.id_code in names:
                    changed[names[token.vector_change.id_code]] = number(token.vector_change.value)
    yield changed


def number(value: int | str) -> int:
    """A value whose unknown bits are 0."""
    return value if isinstance(value, int) else int("".join(bit if bit == "1" else "0" for bit in value), 2)
