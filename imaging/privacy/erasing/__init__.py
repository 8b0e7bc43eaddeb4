"""Erasure on request: what may go and goes, and what the law keeps, with its reason in words."""
