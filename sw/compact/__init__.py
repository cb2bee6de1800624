"""Compaction methods, one file each. Importing the package makes every one of them known by its name."""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
