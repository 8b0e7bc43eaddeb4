"""The breach kit: which patients somebody saw, and the 72 hours."""
