"""Timing diagrams from simulations: record a waveform, read it cycle by cycle, draw it."""
