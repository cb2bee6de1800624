"""The documentation, and in `docs.tools` what it is made and checked with."""
