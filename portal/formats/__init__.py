"""How dates and times are written, where Django itself writes them."""
