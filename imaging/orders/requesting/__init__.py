"""Asking for an exam, and following what becomes of it."""
