"""How fast the accelerators simulate."""
