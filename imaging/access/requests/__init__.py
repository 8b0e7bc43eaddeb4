"""Access requests: what exists elsewhere, asking for it, deciding, and how it ends."""
