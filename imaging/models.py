"""Index of the packages' models: imports only. Our own code imports the packages' modules, never this one."""

from imaging.events.models import Change, Event, Job
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
    Annotation,
    Correction,
    Grant,
    Instance,
    InstanceVersion,
    KeyImage,
    ListLayout,
    MetadataSegment,
    Patient,
    Placement,
    SavedList,
    Series,
    Study,
)
from imaging.webhooks.models import Webhook, WebhookAttempt

__all__ = [
    "Annotation",
    "ApplicationEntity",
    "Change",
    "ConflictDecision",
    "CopyOrder",
    "Correction",
    "Event",
    "Grant",
    "Import",
    "ImportedFile",
    "Instance",
    "InstanceVersion",
    "Job",
    "KeyImage",
    "LedgerLeaf",
    "ListLayout",
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
    "SavedList",
    "Series",
    "StoredObject",
    "Study",
    "Webhook",
    "WebhookAttempt",
]
