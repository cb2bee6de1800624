"""From the files of a board's top to a bitstream: synthesis, place and route, packing, report."""
