"""The one supervisor: what runs, in which order, what is said about it, and how all of it ends."""
