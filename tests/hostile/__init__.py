"""The worst that a hospital's doors are handed, made by script: every case is the same bytes each time."""
