"""Patient, Study, Series, Instance, their versions and placement; the lists and markings that readers keep."""

from imaging.studies.models.choices import PatientChoice
from imaging.studies.models.corrections import Correction
from imaging.studies.models.grants import Grant
from imaging.studies.models.levels import Instance, Patient, Series, Study
from imaging.studies.models.lists import ListLayout, SavedList
from imaging.studies.models.markings import Annotation, KeyImage
from imaging.studies.models.placements import GRANTED, Placement
from imaging.studies.models.protections import Protection
from imaging.studies.models.repairs import Move, PatientMerge, Rejection
from imaging.studies.models.versions import InstanceVersion, MetadataSegment

__all__ = [
    "GRANTED",
    "Annotation",
    "Correction",
    "Grant",
    "Instance",
    "InstanceVersion",
    "KeyImage",
    "ListLayout",
    "MetadataSegment",
    "Move",
    "Patient",
    "PatientChoice",
    "PatientMerge",
    "Placement",
    "Protection",
    "Rejection",
    "SavedList",
    "Series",
    "Study",
]
