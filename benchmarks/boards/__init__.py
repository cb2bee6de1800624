"""Networks on boards: real builds, what they take, how fast they are, and how far they were proved."""
