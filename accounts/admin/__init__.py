"""Index of the admin pages of people, places, machines and the audit: imports only."""

from accounts.admin import audit_log, machines, people

__all__ = ["audit_log", "machines", "people"]
