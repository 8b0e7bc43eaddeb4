"""A request that is sent again after a lost answer is done once: who sent which key, for what, and what was answered."""
