"""Index of the models of ingest: imports only."""

from imaging.ingest.models.imports import Import, ImportedFile
from imaging.ingest.models.quarantine import ConflictDecision, QuarantineDecision, QuarantinedObject
from imaging.ingest.models.senders import ApplicationEntity, Quota, Receipt, RoutingRule

__all__ = [
    "ApplicationEntity",
    "ConflictDecision",
    "Import",
    "ImportedFile",
    "QuarantineDecision",
    "QuarantinedObject",
    "Quota",
    "Receipt",
    "RoutingRule",
]
