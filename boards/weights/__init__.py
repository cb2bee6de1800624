"""New ROM contents in a finished design."""

from boards.weights.network import replace_weights
from boards.weights.replace import replace_tables

__all__ = ["replace_tables", "replace_weights"]
