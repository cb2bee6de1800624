"""Codeword lookup: what every codeword of a layer counts in a window is made once, and every output looks it up."""

from hw.layer.lookup.unit import Lookup, LookupShape

__all__ = ["Lookup", "LookupShape"]
