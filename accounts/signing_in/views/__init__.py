"""Pages of sign-in, of proving again who one is, and of one's own security."""
