"""What people do, from end to end, on a portal started the way they start it."""
