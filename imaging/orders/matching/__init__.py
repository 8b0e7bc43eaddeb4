"""Which study answers which request: found by identifiers, or decided by a person."""
