"""Compact binary neural networks as FPGA accelerators: train, inspect, plan, generate, simulate, build.

The functions of this package are those of the command line. They are imported when first used, so that
``import subbit`` is quick and needs neither torch nor a simulator.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from subbit.library import (
        build,
        check_qonnx,
        classify,
        compact,
        demo,
        draw,
        export_qonnx,
        fine_tune,
        flash,
        generate,
        import_qonnx,
        inspect,
        load,
        plan,
        prove_qonnx,
        replace_weights,
        report,
        save,
        simulate,
        train,
        virtual_board,
    )
    from sw.errors import SubbitError

__all__ = [
    "SubbitError",
    "__version__",
    "build",
    "check_qonnx",
    "classify",
    "compact",
    "demo",
    "draw",
    "export_qonnx",
    "fine_tune",
    "flash",
    "generate",
    "import_qonnx",
    "inspect",
    "load",
    "plan",
    "prove_qonnx",
    "replace_weights",
    "report",
    "save",
    "simulate",
    "train",
    "virtual_board",
]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'subbit' has no attribute {name!r}")
    return getattr(import_module("sw.errors" if name == "SubbitError" else "subbit.library"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
