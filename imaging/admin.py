"""Index of the packages' admin pages: imports only."""

from imaging.integrity import admin as integrity
from imaging.storage import admin as storage
from imaging.studies import admin as studies

__all__ = ["integrity", "storage", "studies"]
