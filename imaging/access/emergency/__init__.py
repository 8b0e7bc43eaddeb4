"""Emergency access: one patient, one person, an hour at most; told at once, and reviewed afterwards."""
