"""The periodic table: what Celery's beat offers, and how often. Read by the settings, so it imports nothing."""

from typing import Any

SCHEDULE: dict[str, dict[str, Any]] = {}
