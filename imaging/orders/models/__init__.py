"""What orders keep: the catalogue, requests, booked steps, what machines reported, and links to studies."""

from imaging.orders.models.catalogue import (
    AppropriatenessRule,
    Contrast,
    DoseQuantity,
    FavouriteProcedure,
    Procedure,
    Region,
    SafetyQuestion,
    Sides,
)
from imaging.orders.models.matching import StudyLink, UnmatchedStudy
from imaging.orders.models.numbering import AccessionNumbering
from imaging.orders.models.performing import PerformedStep
from imaging.orders.models.requests import ExamRequest, Priority, RequestAttachment, RequestNote, RequestTransition
from imaging.orders.models.scheduling import Downtime, OpeningHours, Room, ScheduledStep

__all__ = [
    "AccessionNumbering",
    "AppropriatenessRule",
    "Contrast",
    "DoseQuantity",
    "Downtime",
    "ExamRequest",
    "FavouriteProcedure",
    "OpeningHours",
    "PerformedStep",
    "Priority",
    "Procedure",
    "Region",
    "RequestAttachment",
    "RequestNote",
    "RequestTransition",
    "Room",
    "SafetyQuestion",
    "ScheduledStep",
    "Sides",
    "StudyLink",
    "UnmatchedStudy",
]
