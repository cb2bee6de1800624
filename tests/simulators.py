"""Which simulators a test runs in: both, one of them only in the regression, or Icarus alone."""

import pytest

from sim import available

__all__ = ["needs_icarus", "needs_verilator", "slow_in"]

needs_icarus = pytest.mark.skipif("icarus" not in available(), reason="Icarus (iverilog) is not installed")
needs_verilator = pytest.mark.skipif("verilator" not in available(), reason="Verilator is not installed")


def slow_in(slow: str) -> list:
    """Every simulator, ``slow`` among the slow tests; Icarus is named where it is missing, and skipped."""
    named = {"icarus": [needs_icarus], "verilator": [needs_verilator]}
    return [pytest.param(name, marks=marks + [pytest.mark.slow] * (name == slow)) for name, marks in named.items()]
