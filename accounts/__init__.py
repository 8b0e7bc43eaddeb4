"""Who you are, what you may see, and what you did: the lowest layer, which does not know that images exist."""
