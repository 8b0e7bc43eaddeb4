"""What the privacy desk keeps: requests and what was done about them, letters, packages, breaches, the letterhead."""

from imaging.privacy.models.answers import AccessLetter, DataPackage, Letterhead
from imaging.privacy.models.breaches import Breach, BreachStep
from imaging.privacy.models.requests import CorrectionTask, DataSubjectRequest, RequestLine

__all__ = [
    "AccessLetter",
    "Breach",
    "BreachStep",
    "CorrectionTask",
    "DataPackage",
    "DataSubjectRequest",
    "Letterhead",
    "RequestLine",
]
