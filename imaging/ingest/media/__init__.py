"""Walks what people bring: a folder, a disc, a zip. Everything in it is hostile: names are shown, never opened."""
