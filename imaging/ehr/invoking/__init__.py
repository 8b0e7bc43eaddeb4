"""Invoke Image Display (IHE RAD TF-2, RAD-106): the hospital's record opens images by an address."""
