"""cocotb benches, and the functions that run them in any simulator."""

from sim.accelerator import SimulationReport, simulate
from sim.simulators import Result, SimulationFailure, available, run

__all__ = ["Result", "SimulationFailure", "SimulationReport", "available", "run", "simulate"]
