"""Makers of model instances for tests, one module per package."""
