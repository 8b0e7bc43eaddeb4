"""Links for people outside: what they open, for whom, for how long, and who opened it."""
