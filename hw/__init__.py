"""Amaranth hardware: from stream blocks to the whole accelerator."""
