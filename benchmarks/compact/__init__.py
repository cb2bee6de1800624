"""Compaction measured: networks trained with it, and networks that others trained."""
