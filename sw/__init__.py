"""Software: the Network that defines what is correct, and what makes Networks."""
