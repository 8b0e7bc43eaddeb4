"""How images come in: spool, validate, route, register, quarantine."""
