"""Management commands of the imaging domain."""
