"""A timing diagram as SVG: wires as levels, buses as boxes with values, a column a cycle."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from xml.sax.saxutils import escape

__all__ = ["Row", "diagram"]

COLUMN, ROW, HEIGHT, SLANT, LEFT, TOP = 34, 30, 18, 4, 132, 44
STYLE = (
    "text{font:11px ui-monospace,monospace;fill:#222}"
    ".name{text-anchor:end}.mid{text-anchor:middle}.faint{fill:#777;font-size:9px}"
    ".wire{fill:none;stroke:#1b4965;stroke-width:1.5}"
    ".bus{fill:#e8f1f5;stroke:#1b4965;stroke-width:1.2}.idle{fill:#eee;stroke:#999;stroke-width:1}"
    ".grid{stroke:#ddd;stroke-width:1;stroke-dasharray:2 3}.taken{fill:#ca6702;opacity:.16}.cut{fill:#777}"
)


@dataclass(frozen=True)
class Row:
    """A line of the diagram: a wire, or with ``show`` a bus whose values it writes, where the wire ``valid`` is 1."""

    signal: str
    show: Callable[[int], str] | None = None
    valid: str = ""


def diagram(
    title: str,
    waves: Mapping[str, Sequence[int]],
    rows: Sequence[Row],
    spans: Sequence[range],
    transfers: Sequence[tuple[str, str]] = (),
) -> str:
    """SVG of the cycles in ``spans``, with a gap between two of them.

    ``transfers`` are pairs of valid and ready: where both are 1 a word moves, and the rows of both and those that show
    what ``valid`` says are shaded.
    """
    columns: list[int | None] = []
    for span in spans:
        columns += [None, *span] if columns else list(span)
    width, height = LEFT + COLUMN * len(columns) + 12, TOP + ROW * (len(rows) + 1) + 8
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img"><title>{escape(title)}</title><style>{STYLE}</style>'
        f'<rect width="{width}" height="{height}" fill="#fff"/><text x="8" y="16">{escape(title)}</text>'
    ]
    for place, cycle in enumerate(columns):
        x = LEFT + COLUMN * place
        parts.append(f'<path class="grid" d="M{x} {TOP - 12}V{height - 8}"/>')
        told = "..." if cycle is None else str(cycle)
        parts.append(f'<text class="mid faint" x="{x + COLUMN // 2}" y="{TOP - 6}">{told}</text>')
    parts += shades(waves, rows, columns, transfers)
    parts.append(line("clk", TOP + ROW, clock(columns)))
    for at, row in enumerate(rows, start=2):
        base = TOP + ROW * at
        values = [None if cycle is None else waves[row.signal][cycle] for cycle in columns]
        if row.show is None:
            parts.append(line(row.signal, base, level(values, base)))
        else:
            sure = [None if cycle is None else not row.valid or waves[row.valid][cycle] for cycle in columns]
            parts.append(line(row.signal, base, bus(values, sure, row.show, base)))
    return "\n".join([*parts, "</svg>\n"])


def line(name: str, base: int, drawn: str) -> str:
    """A named line of the diagram."""
    return f'<text class="name" x="{LEFT - 10}" y="{base - 5}">{escape(name)}</text>{drawn}'


def shades(
    waves: Mapping[str, Sequence[int]],
    rows: Sequence[Row],
    columns: Sequence[int | None],
    transfers: Sequence[tuple[str, str]],
) -> list[str]:
    """What is behind the cycles in which a word moves."""
    found = []
    for valid, ready in transfers:
        places = [at for at, row in enumerate(rows) if row.signal in (valid, ready) or row.valid == valid]
        top, tall = TOP + ROW * (min(places) + 1) + 4, ROW * (max(places) - min(places) + 1)
        for place, cycle in enumerate(columns):
            if cycle is not None and waves[valid][cycle] and waves[ready][cycle]:
                x = LEFT + COLUMN * place
                found.append(f'<rect class="taken" x="{x}" y="{top}" width="{COLUMN}" height="{tall}"/>')
    return found


def clock(columns: Sequence[int | None]) -> str:
    """The clock, which rises where a column begins."""
    base = TOP + ROW
    path = f"M{LEFT} {base}"
    for place, cycle in enumerate(columns):
        x = LEFT + COLUMN * place
        path += f"V{base - HEIGHT}H{x + COLUMN // 2}V{base}H{x + COLUMN}" if cycle is not None else f"H{x + COLUMN}"
    return f'<path class="wire" d="{path}"/>'


def level(values: Sequence[int | None], base: int) -> str:
    """A wire."""
    path, last = "", None
    for place, value in enumerate(values):
        x, y = LEFT + COLUMN * place, base - HEIGHT * (value or 0)
        if value is None:
            last = None
            continue
        path += f"M{x} {y}" if last is None else "" if last == value else f"H{x}L{x + SLANT} {y}"
        path += f"H{x + COLUMN}"
        last = value
    return f'<path class="wire" d="{path}"/>'


def bus(values: Sequence[int | None], sure: Sequence[object], show: Callable[[int], str], base: int) -> str:
    """Boxes with values; equal neighbours are one box, and nothing is written where nothing is valid."""
    drawn = ""
    keys = [None if value is None else (bool(ok), value if ok else 0) for value, ok in zip(values, sure, strict=True)]
    place = 0
    for key, group in groupby(keys):
        count = len(list(group))
        x, end, place = LEFT + COLUMN * place, LEFT + COLUMN * (place + count), place + count
        if key is None:
            continue
        middle = base - HEIGHT // 2
        points = (
            f"{x},{middle} {x + SLANT},{base - HEIGHT} {end - SLANT},{base - HEIGHT} {end},{middle} "
            f"{end - SLANT},{base} {x + SLANT},{base}"
        )
        drawn += f'<polygon class="{"bus" if key[0] else "idle"}" points="{points}"/>'
        if key[0]:
            drawn += f'<text class="mid" x="{(x + end) // 2}" y="{base - 5}">{escape(show(key[1]))}</text>'
    return drawn
