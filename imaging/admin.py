"""Index of the packages' admin pages: imports only."""

from imaging.events import admin as events
from imaging.ingest import admin as ingest
from imaging.integrity import admin as integrity
from imaging.outbound import admin as outbound
from imaging.rendering import admin as rendering
from imaging.storage import admin as storage
from imaging.studies import admin as studies
from imaging.webhooks import admin as webhooks

__all__ = ["events", "ingest", "integrity", "outbound", "rendering", "storage", "studies", "webhooks"]
