"""Corrections, versions chosen and versions withdrawn: what people decide about received objects, and taking it back."""
