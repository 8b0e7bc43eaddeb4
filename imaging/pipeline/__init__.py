"""When X then Y: the one table of reactions, and the drain."""
