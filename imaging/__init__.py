"""The imaging domain: one Django app, cut into vertical packages (DESIGN section 3)."""
