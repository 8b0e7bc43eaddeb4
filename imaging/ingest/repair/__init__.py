"""Putting mistakes right: whose a study is, where images lie, what is not to be seen; and taking it back."""
