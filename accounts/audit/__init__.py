"""What was done: one closed list of actions, one writer, one append-only table."""

from accounts.audit.actions import Action, Outcome
from accounts.audit.record import AuditUnavailable, Entry, record, record_many, record_read

__all__ = [
    "Action",
    "AuditUnavailable",
    "Entry",
    "Outcome",
    "record",
    "record_many",
    "record_read",
]
