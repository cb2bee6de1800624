"""Processing elements: the hardware that computes one layer's sums."""
