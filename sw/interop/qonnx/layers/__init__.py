"""Layers of a Network from what a graph has: its weights, what they read, and its scores."""
