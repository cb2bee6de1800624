"""Board tops and host links."""
