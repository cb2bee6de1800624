"""Values that are probably not what a reader expects, in JSON and as JSON text."""

import json
from typing import Any

from hypothesis import strategies as st

__all__ = ["EXTREME", "NAMES", "a_json"]

EXTREME = [0, 1, -1, 2, 3, 7, 255, 256, 4097, 65_535, 65_536, 1 << 20, 1 << 31, (1 << 32) - 1, 1 << 32, 1 << 40,
           (1 << 63) - 1, 1 << 63, (1 << 64) - 1, 10**30]  # fmt: skip
NAMES = [
    "", ".", "..", "../secret", "../../secret", "named/../../secret", "/etc/passwd", "~/secret", "a\0b", "C:\\secret",
    "..\\secret", "a" * 300, "a/" * 3000, "\x1b[31mred\x1b[0m", "line\nfeed", "[/bold]", "[link=x]", "\u202eolleh",
    "\ud800", "$(id)", "; id", "%n%s", "{0.__class__}", "é", "input", "top",
]  # fmt: skip


class Raw(str):
    """JSON text that stands for itself, such as a number that no float can hold."""


TEXTS = [
    *map(Raw, ("1e999", "-1e999", "NaN", "-Infinity", "0.1", "1.0", "-0", "9" * 5000, "1" + "0" * 400)),
    *map(Raw, ("[" * 100_000 + "]" * 100_000, '{"a":' * 20_000 + "0" + "}" * 20_000)),
]


def values() -> st.SearchStrategy[Any]:
    """A value of JSON that is probably not what a reader expects."""
    return st.one_of(
        st.sampled_from([None, True, False, [], {}, "", "0", 0.5, -1.5, [0], [[]], {"a": 0}, [None] * 40, "x" * 5000]),
        st.sampled_from(EXTREME),
        st.sampled_from(NAMES),
        st.sampled_from(TEXTS),
        st.integers(-3, 70),
        st.text(max_size=8),
    )


def json_of(value: Any) -> str:
    """JSON text, in which lists of pairs marked as `Pairs` can have a key twice, and `Raw` stands for itself."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, Pairs):
        return "{" + ", ".join(f"{json.dumps(key)}: {json_of(each)}" for key, each in value) + "}"
    if isinstance(value, dict):
        return json_of(Pairs(value.items()))
    if isinstance(value, list):
        return "[" + ", ".join(map(json_of, value)) + "]"
    return json.dumps(value)


class Pairs(list[tuple[str, Any]]):
    """An object of JSON as pairs."""


@st.composite
def other_json(draw: st.DrawFn, document: Any) -> Any:
    """``document`` with one place changed."""
    if isinstance(document, dict) and document and draw(st.integers(0, 9)) < 8:
        pairs = Pairs(document.items())
        at = draw(st.integers(0, len(pairs) - 1))
        key, value = pairs[at]
        match draw(st.sampled_from(["inside", "inside", "inside", "inside", "lost", "named", "twice", "more"])):
            case "inside":
                pairs[at] = key, draw(other_json(value))
            case "lost":
                del pairs[at]
            case "named":
                pairs[at] = draw(st.sampled_from([*NAMES, *(name for name, _ in pairs)])), value
            case "twice":
                pairs.append((key, draw(values())))
            case "more":
                pairs.append((draw(st.sampled_from(NAMES)), draw(values())))
        return pairs
    if isinstance(document, list) and document and draw(st.integers(0, 9)) < 8:
        items, at = list(document), draw(st.integers(0, len(document) - 1))
        match draw(st.sampled_from(["inside", "inside", "inside", "lost", "twice", "turned"])):
            case "inside":
                items[at] = draw(other_json(items[at]))
            case "lost":
                del items[at]
            case "twice":
                items += [items[at]] * draw(st.sampled_from([1, 2, 1000]))
            case "turned":
                items.reverse()
        return items
    if isinstance(document, str) and document and draw(st.booleans()):
        near = [f"{document}x", document[:-1], document.upper(), document * 500, f"../{document}", f"/{document}"]
        near += ["../secret", "../../secret", "/etc/passwd"]
        return draw(st.sampled_from(near))
    return draw(values())


def a_json(draw: st.DrawFn, whole: bytes) -> bytes:
    document = json.loads(whole)
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        document = draw(other_json(document))
        if isinstance(document, Raw):
            break
        try:
            document = json.loads(json_of(document)) if draw(st.booleans()) else document
        except (ValueError, RecursionError):
            break
    return json_of(document).encode(errors="surrogatepass")
