"""Words burned into pixels: found, blanked, and looked for again. Pixels are only touched in the decoder pool."""
