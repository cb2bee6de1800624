"""Areas after synthesis, measured again by one command each."""
