"""Composition only: settings, root URLs, Celery, the supervisor. No model, no rule, and nobody imports it."""

from portal.celery import app as celery_app

__all__ = ["celery_app"]
