"""A value times a constant by shifts and additions, so that no multiplier block is taken for it."""

from amaranth import Const, Value

__all__ = ["digits", "times"]


def digits(constant: int) -> list[tuple[int, int]]:
    """(sign, place) of the fewest signed powers of two that make ``constant``, lowest place first.

    The canonical signed-digit form: no two neighbouring places are used (Reitwiesner 1960).
    """
    found, place = [], 0
    while constant:
        if constant & 1:
            sign = 2 - (constant & 3)  # 1 or -1, whichever leaves a multiple of four
            found.append((sign, place))
            constant -= sign
        constant >>= 1
        place += 1
    return found


def times(value: Value, constant: int) -> Value:
    """``constant`` * ``value``, signed. Combinational; an adder for every non-zero signed digit after the first."""
    total: Value = Const(0, 1)
    for sign, place in reversed(digits(constant)):
        total = total + (value << place) if sign > 0 else total - (value << place)
    return total
