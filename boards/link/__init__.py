"""The link between host and board: one protocol, its gateware, and a model of the board in Python."""
