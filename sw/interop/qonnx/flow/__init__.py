"""Tensors on their way between two layers with weights: elementwise chains, their steps, and where elements go."""
