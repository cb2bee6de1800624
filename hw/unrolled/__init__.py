"""Unrolled layers: a constant matrix of signs times a window of bits, every output in every cycle."""
