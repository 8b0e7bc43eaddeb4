"""The exam itself: arrival, worklist rows for the machines, and what the machines report (MPPS)."""
