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
from imaging.outbound.models import OutboundHost
from imaging.rendering.models import Rendition
from imaging.storage.models import CopyOrder, ObjectCopy, StoredObject
from imaging.studies.models import (
    Annotation,
    Correction,
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
    "OutboundHost",
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
