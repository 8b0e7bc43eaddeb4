"""What can be asked for: procedures, safety questions, and hints on which exam answers which question."""
