"""Index of the admin pages of people, places, machines and the audit: imports only."""

from accounts.admin import audit_log, audit_settings, machines, memberships, people, sign_in
from accounts.compliance import admin as compliance
from accounts.federation import admin as federation
from accounts.framing import admin as framing
from accounts.messaging import admin as messaging
from accounts.outbound import admin as outbound
from accounts.sealed import admin as sealed

__all__ = [
    "audit_log",
    "audit_settings",
    "compliance",
    "federation",
    "framing",
    "machines",
    "memberships",
    "messaging",
    "outbound",
    "people",
    "sealed",
    "sign_in",
]
