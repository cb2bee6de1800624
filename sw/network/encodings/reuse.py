"""Reuse encoding: most output channels are another channel with some places changed."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np

from sw.network.encodings.base import Encoding, Rom, index_bits, register
from sw.network.encodings.codebook import CodebookEncoding
from sw.network.encodings.dense import DenseEncoding

__all__ = ["ReuseEncoding", "symbols", "with_symbols"]

Rows = DenseEncoding | CodebookEncoding
FORMS: dict[str, type[DenseEncoding] | type[CodebookEncoding]] = {
    form.kind: form for form in (DenseEncoding, CodebookEncoding)
}


def symbols(rows: Rows) -> tuple[np.ndarray, int]:
    """A row of symbols for each output, (out, places), and how many symbols there are.

    The weight bits themselves where each is stored, the codewords' numbers where there is a codebook.
    """
    if isinstance(rows, CodebookEncoding):
        return rows.indices, len(rows.codewords)
    return rows.bits.reshape(len(rows.bits), -1), 2


def with_symbols(rows: Rows, table: np.ndarray) -> Rows:
    """``rows`` with other symbols, (out, places)."""
    if isinstance(rows, CodebookEncoding):
        return replace(rows, indices=table)
    return replace(rows, bits=table.reshape(rows.shape))


@register
@dataclass(frozen=True, eq=False)
class ReuseEncoding(Encoding):
    """Output channels that are computed one from the other (MST-compression, Vo et al., ICCV 2023).

    ``parents`` (out,) names the channel that each one is made from, a root itself. ``complements`` (out,), bool, says
    which channels start from their parent with every bit turned round. ``rows`` holds a root's symbols as they are,
    and of any other channel the difference from what it starts from: child - parent modulo the number of symbols, so
    that 0 is a place which is not changed, and a changed bit is 1. Raises ValueError where the parents are no tree.

    Of +-1 weights w and D the changed places, a child's sum is Y_c = Y_p + 2 sum_D a w_c, with -Y_p where it starts
    from the complement.
    """

    kind: ClassVar[str] = "reuse"
    rows: Rows
    parents: np.ndarray
    complements: np.ndarray

    def __post_init__(self) -> None:
        parents, complements, out = np.asarray(self.parents), np.asarray(self.complements), self.shape[0]
        if not isinstance(self.rows, DenseEncoding | CodebookEncoding):
            raise ValueError(f"rows must be a dense or a codebook encoding, not {self.rows!r}")
        if parents.shape != (out,) or parents.dtype.kind not in "iu":
            raise ValueError(f"parents must be {out} whole numbers, not {parents.dtype}{parents.shape}")
        if parents.min() < 0 or parents.max() >= out:
            raise ValueError(f"parents must be from 0 to {out - 1}, not {parents.min()} to {parents.max()}")
        if complements.shape != (out,) or complements.dtype != np.bool_:
            raise ValueError(f"complements must be {out} booleans, not {complements.dtype}{complements.shape}")
        if complements.any() and (
            isinstance(self.rows, CodebookEncoding) or complements[parents == np.arange(out)].any()
        ):
            raise ValueError("complements must be of channels with a parent, and of bits, not of codewords")
        object.__setattr__(self, "parents", parents.astype(np.int64))
        object.__setattr__(self, "complements", complements)
        _ = self.depths

    def __str__(self) -> str:
        return f"reuse of {self.rows}"

    @classmethod
    def of(cls, rows: Rows, parents: np.ndarray, complements: np.ndarray | None = None) -> "ReuseEncoding":
        """The encoding of the weights ``rows`` along the tree that ``parents`` tells."""
        table, count = symbols(rows)
        flips = np.zeros(len(table), bool) if complements is None else np.asarray(complements)
        start = (table[parents].astype(np.int64) + flips[:, None]) % count
        start[parents == np.arange(len(table))] = 0
        return cls(with_symbols(rows, ((table - start) % count).astype(table.dtype)), parents, flips)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.rows.shape

    @property
    def roots(self) -> np.ndarray:
        """Which channels are given whole, bool (out,)."""
        return self.parents == np.arange(len(self.parents))

    @cached_property
    def depths(self) -> np.ndarray:
        """Steps from each channel to its root, int64 (out,). Raises ValueError where there is a cycle."""
        above, steps = self.parents, (~self.roots).astype(np.int64)
        for _ in range(index_bits(len(above))):  # each round doubles how far up a channel looks
            steps, above = steps + steps[above], above[above]
        if not self.roots[above].all():
            raise ValueError("parents must lead to a root from every channel, not round in a circle")
        return steps

    @property
    def depth(self) -> int:
        return int(self.depths.max())

    @cached_property
    def whole(self) -> Rows:
        """The same weights with every channel given whole."""
        differences, count = symbols(self.rows)
        table = differences.astype(np.int32)
        order = np.argsort(self.depths, kind="stable")
        for level in np.split(order, np.searchsorted(self.depths[order], np.arange(1, self.depth + 1)))[1:]:
            table[level] += table[self.parents[level]] + self.complements[level, None]
            table[level] %= count
        return with_symbols(self.rows, table.astype(differences.dtype))

    def decode(self) -> np.ndarray:
        return self.whole.decode()

    @cached_property
    def changed(self) -> np.ndarray:
        """Places that differ from what a channel starts from, bool (out, places); none in a root."""
        return (symbols(self.rows)[0] != 0) & ~self.roots[:, None]

    def roms(self) -> dict[str, Rom]:
        """The roots' rows, each channel's parent and complement, and the changes, in the form that takes fewer bits.

        That is either ``counts``, how many places of each channel change, and ``places`` in the order of the channels
        (with the new ``symbols`` of a codebook; a bit that changes has one value to take), or ``differences``, as
        ``rows`` has them. A root is its own parent; a memory that would be empty is left out.
        """
        differences, count = symbols(self.rows)
        out, size = differences.shape
        width, changes = index_bits(count), self.changed.sum(axis=1)
        channel, place = np.nonzero(self.changed)
        lists = {
            "counts": Rom.of_numbers(changes, index_bits(int(changes.max()) + 1)),
            "places": Rom.of_numbers(place, index_bits(size)),
        }
        if count > 2:
            lists["symbols"] = Rom.of_numbers(symbols(self.whole)[0][channel, place], width)
        masks = {"differences": _table(differences[~self.roots], width)}
        found = {
            "roots": _table(differences[self.roots], width),
            "parents": Rom.of_numbers(self.parents, index_bits(out)),
        }
        if self.complements.any():
            found["complements"] = Rom.of_numbers(self.complements, 1)
        if isinstance(self.rows, CodebookEncoding):
            found["codewords"] = Rom.of_bits(self.rows.codewords)
        found |= min(lists, masks, key=lambda roms: sum(rom.bits for rom in roms.values()))
        return {name: rom for name, rom in found.items() if rom.bits}

    def table_bits(self) -> int:
        return self.rows.table_bits()

    def bit_operations(self) -> float:
        """Every tap of a root, and one for every tap that changes.

        With a codebook the least of that and of this: the counts of all codewords in every word, then one half for
        each word of a root, and for each word that changes twice one half, as the old codeword's count is taken away
        and the new one's added.
        """
        bits = self.whole.decode().reshape(len(self.parents), -1)
        parents = bits[self.parents] ^ self.complements[:, None]
        taps = int(self.roots.sum()) * bits.shape[1] + int((bits != parents).sum())
        if not isinstance(self.rows, CodebookEncoding):
            return taps
        words = self.rows.indices.shape[1]
        return min(taps, self.rows.codewords.size * words + int(self.roots.sum()) * words / 2 + int(self.changed.sum()))

    def arrays(self) -> dict[str, np.ndarray]:
        """``parents``, ``complements``, and the arrays of ``rows`` under its kind: ``dense.packed``, for one."""
        inner = {f"{self.rows.kind}.{name}": array for name, array in self.rows.arrays().items()}
        return inner | {"parents": self.parents, "complements": self.complements}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "ReuseEncoding":
        kinds = {name.partition(".")[0] for name in arrays} - {"parents", "complements"}
        if len(kinds) != 1 or not {"parents", "complements"} <= arrays.keys():
            raise ValueError(
                f"the arrays of reuse must be parents, complements and those of one kind of rows, not {sorted(arrays)}"
            )
        (kind,) = kinds
        inner = {name.partition(".")[2]: array for name, array in arrays.items() if name.startswith(f"{kind}.")}
        if kind not in FORMS:
            raise ValueError(f"the rows of reuse must be {' or '.join(FORMS)}, not {kind!r}")
        try:
            rows = FORMS[kind].from_arrays(inner)
        except (KeyError, TypeError) as error:
            raise ValueError(f"the arrays of the rows do not fit together ({error})") from error
        return cls(rows, arrays["parents"], arrays["complements"])


def _table(rows: np.ndarray, width: int) -> Rom:
    """Rows of symbols as a memory: a row of bits in one word, other symbols in a word each."""
    return Rom.of_bits(rows) if width == 1 and len(rows) else Rom.of_numbers(rows, width)
