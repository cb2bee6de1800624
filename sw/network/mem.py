"""Memory images as text."""

from collections.abc import Iterable

__all__ = ["mem_text"]


def mem_text(words: Iterable[int], width: int) -> str:
    """What Verilog's $readmemh reads: one word of ``width`` bits a line, in hexadecimal, highest bit first."""
    digits = -(-width // 4)
    return "".join(f"{word:0{digits}x}\n" for word in words)
