"""Gowin's bitstreams as netlists, by the tables of apycula's database that the packer itself goes by."""

from sim.netlist.fuses.recovered import recovered_gowin

__all__ = ["recovered_gowin"]
