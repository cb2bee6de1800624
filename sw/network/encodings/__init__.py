"""Weight encodings, one file each. Importing the package makes every one of them known by its kind."""

from importlib import import_module
from pkgutil import iter_modules

from sw.network.encodings.base import Encoding, Rom, encoding_of_kind
from sw.network.encodings.dense import DenseEncoding

__all__ = ["DenseEncoding", "Encoding", "Rom", "encoding_of_kind"]

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
