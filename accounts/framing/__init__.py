"""Whose pages may show ours in a frame: the origins of the hospital's health record systems, and nobody else's."""
