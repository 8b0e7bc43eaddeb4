"""English as in Europe: a day is never mistaken for a month, and a day has twenty-four hours."""
