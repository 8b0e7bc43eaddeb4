"""`serve`, `migrate` and the demo hospital."""
