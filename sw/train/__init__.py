"""Training of binary networks in PyTorch, and their exact export to a Network."""
