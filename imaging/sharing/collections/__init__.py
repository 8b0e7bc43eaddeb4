"""Collections: named sets of studies for a tumour board, teaching or research, and the people whom they are lent to."""
