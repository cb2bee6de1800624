"""Small stream blocks that larger ones are joined from."""
