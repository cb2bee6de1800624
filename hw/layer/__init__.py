"""Whole layers: window, datapath, threshold and pooling joined by streams."""
