"""Devices, cost formulas and folding: what an accelerator will cost before it is built."""
