"""Shares, what they open, who opened them, and what a department allows."""

from imaging.sharing.models.collections import Collection, CollectionComment, CollectionItem, CollectionMember
from imaging.sharing.models.copies import CopiedStudy, Deidentification, HeldObject, Pseudonym
from imaging.sharing.models.health_links import ShareHealthLink
from imaging.sharing.models.partners import Partner, PartnerTransfer, TransferItem, TransferObject
from imaging.sharing.models.policies import SharePolicy
from imaging.sharing.models.records import RecordLink, RecordPolicy
from imaging.sharing.models.shares import Share, ShareItem
from imaging.sharing.models.visits import ShareEvent, ShareVisit

__all__ = [
    "Collection",
    "CollectionComment",
    "CollectionItem",
    "CollectionMember",
    "CopiedStudy",
    "Deidentification",
    "HeldObject",
    "Partner",
    "PartnerTransfer",
    "Pseudonym",
    "RecordLink",
    "RecordPolicy",
    "Share",
    "ShareEvent",
    "ShareHealthLink",
    "ShareItem",
    "SharePolicy",
    "ShareVisit",
    "TransferItem",
    "TransferObject",
]
