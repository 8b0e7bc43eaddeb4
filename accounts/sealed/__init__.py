"""Sealed emergency accounts: a code on paper, in an envelope, for the day on which nobody can sign in otherwise."""
