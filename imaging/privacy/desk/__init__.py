"""The first page of the privacy desk: what is due."""
