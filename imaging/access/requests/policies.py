"""What may be asked for and given, as values and pure rules: durations, who asks, who decides, what is decided."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from accounts.actor import Actor
from accounts.models import User
from accounts.scope import Scope
from imaging.access.requests.models import AccessPolicy, Reason, Relation, RequestedStudy
from imaging.studies.models import Grant, Patient, Study

#: Durations that the pages offer, in hours.
OFFERED_HOURS: Final = (1, 8, 24, 72, 168, 720)
#: A grant that lasts less is not worth a mail that it ends tomorrow.
SHORT: Final = timedelta(hours=36)
#: How long before its end the holder hears of it.
BEFORE_END: Final = timedelta(hours=24)
#: Questions whether somebody exists elsewhere: in a minute, and in a day.
ASKED_A_MINUTE: Final = 10
ASKED_A_DAY: Final = 60

#: Relations by which nobody is let in without a person: the patient's care does not need it.
NEVER_BY_RULE: Final = frozenset({Relation.TEACHING, Relation.OTHER})


@dataclass(frozen=True, slots=True)
class Asker:
    """A person who may ask for access: ``departments`` are those where (primary keys)."""

    user: User
    actor: Actor
    scope: Scope
    departments: frozenset[int]


@dataclass(frozen=True, slots=True)
class Approver:
    """A person who decides: ``departments`` are those for whose studies (primary keys)."""

    user: User
    actor: Actor
    scope: Scope
    departments: frozenset[int]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What an exact question found outside the asker's scope. Nothing of it is told but that it exists."""

    patient: Patient
    study: Study | None
    studies: tuple[Study, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody asks for."""

    token: uuid.UUID
    department: int
    relation: Relation
    reason: Reason
    hours: int
    words: str = ""
    for_team: bool = False
    wants_download: bool = False
    whole_patient: bool = True


class Verdict(StrEnum):
    """What an approver says."""

    APPROVE = "approve"
    DENY = "deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """A decision: the hours and the download that are given, at the most what was asked for."""

    verdict: Verdict
    hours: int = 0
    download: bool = False
    note: str = ""


class Refused(Exception):
    """What was asked for cannot be done; ``code`` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def gives(policy: AccessPolicy, *, download: bool) -> Grant.Gives:
    """What is given by this policy, where the download is wanted and allowed."""
    return Grant.Gives.DOWNLOAD if download and policy.may_give_download else Grant.Gives.VIEW


def end_of(policy: AccessPolicy, *, hours: int, now: datetime, running_until: datetime | None = None) -> datetime:
    """When access ends: after the hours that were given, from the end of what a renewal prolongs, within the policy's."""
    longest = now + timedelta(hours=policy.longest_hours)
    begins = max(now, running_until) if running_until else now
    return min(begins + timedelta(hours=max(hours, 1)), longest)


def handling(
    policy: AccessPolicy, relation: str, *, for_team: bool, download: bool, is_proved: bool
) -> RequestedStudy.Handling:
    """By whom a request is decided. A whole team, and a download, are never given without a person."""
    if for_team or download or relation in NEVER_BY_RULE:
        return RequestedStudy.Handling.MANUAL
    if relation in policy.automatic:
        return RequestedStudy.Handling.AUTOMATIC
    if relation in policy.verified and is_proved:
        return RequestedStudy.Handling.VERIFIED
    return RequestedStudy.Handling.MANUAL
