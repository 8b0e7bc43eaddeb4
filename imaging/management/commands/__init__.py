"""Thin commands: each calls a service and says what happened."""
