"""Management commands of people, keys and audit."""
