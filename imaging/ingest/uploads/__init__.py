"""Files that a person's browser sends, piece by piece: they wait beside the archive until all have come."""
