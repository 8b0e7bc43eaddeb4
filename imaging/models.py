"""Index of the packages' models: imports only. Our own code imports the packages' modules, never this one."""

from imaging.events.models import Event, Job
from imaging.ingest.models import (
    ApplicationEntity,
    ConflictDecision,
    Import,
    ImportedFile,
    QuarantineDecision,
    QuarantinedObject,
    Quota,
    Receipt,
    RoutingRule,
)
from imaging.integrity.models import LedgerLeaf
from imaging.rendering.models import Rendition
from imaging.storage.models import CopyOrder, ObjectCopy, StoredObject
from imaging.studies.models import (
    Correction,
    Instance,
    InstanceVersion,
    MetadataSegment,
    Patient,
    Placement,
    Series,
    Study,
)

__all__ = [
    "ApplicationEntity",
    "ConflictDecision",
    "CopyOrder",
    "Correction",
    "Event",
    "Import",
    "ImportedFile",
    "Instance",
    "InstanceVersion",
    "Job",
    "LedgerLeaf",
    "MetadataSegment",
    "ObjectCopy",
    "Patient",
    "Placement",
    "QuarantineDecision",
    "QuarantinedObject",
    "Quota",
    "Receipt",
    "Rendition",
    "RoutingRule",
    "Series",
    "StoredObject",
    "Study",
]
