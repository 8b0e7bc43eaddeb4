"""Templates and macros: how a report begins."""
