"""Runs the command line as ``python -m subbit``."""

from subbit.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
