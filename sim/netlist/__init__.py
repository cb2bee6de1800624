"""Built designs as Verilog: synthesised and routed netlists and bitstreams, with models of their cells."""

from sim.netlist.sources import STAGES, Stage, netlist_sources

__all__ = ["STAGES", "Stage", "netlist_sources"]
