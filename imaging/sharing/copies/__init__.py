"""Copies without identity (PS3.15 annex E): asked for, made in the background, looked at by a person where that is needed."""
