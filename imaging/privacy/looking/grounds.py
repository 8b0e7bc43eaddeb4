"""On what ground somebody looked: what they were to the patient at that moment, as far as the archive tells."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.audit import Action
from accounts.audit.selectors import AccessLine
from accounts.models import Membership, User
from accounts.roles import Role
from imaging.privacy.looking import words
from imaging.privacy.looking.words import PURPOSES
from imaging.privacy.models import DataPackage
from imaging.studies.models import GRANTED, Grant, Patient, Placement


class Ground(StrEnum):
    """Why a look was possible, the plainest first."""

    TREATING = "treating"
    GRANT = "grant"
    PRIOR = "prior"
    EMERGENCY = "emergency"
    SHARING = "sharing"
    TRANSFER = "transfer"
    COLLECTION = "collection"
    DESK = "desk"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Told:
    """A ground, with the reason that was given for it."""

    ground: Ground
    reason: str = ""

    @property
    def words(self) -> str:
        """In words, with the reason where one was given."""
        said = {
            Ground.TREATING: _("the department made or asked for the examination"),
            Ground.GRANT: _("access was granted"),
            Ground.PRIOR: _("earlier examination of a patient in care"),
            Ground.EMERGENCY: _("emergency access"),
            Ground.SHARING: _("images of the department passed on by a link"),
            Ground.TRANSFER: _("images of the department sent to another archive"),
            Ground.COLLECTION: _("collection of studies that colleagues look at together"),
            Ground.DESK: _("request about one's data"),
            Ground.UNKNOWN: _("no ground on record"),
        }[self.ground]
        reason = str(PURPOSES.get(self.reason, self.reason))
        return _("%(ground)s: “%(reason)s”") % {"ground": said, "reason": reason} if reason else said


@dataclass(frozen=True, slots=True)
class _Given:
    holder: int
    since: datetime
    until: datetime | None
    is_emergency: bool
    reason: str
    study: str


class Grounds:
    """The relations of people to one patient's studies over time: grants, placements and memberships, looked up once."""

    def __init__(self, patient: Patient, actor_ids: Collection[str]) -> None:
        """Five queries."""
        granted = Grant.objects.filter(Q(patient=patient) | Q(study__patient=patient)).select_related("study")
        self._grants = [_given(row) for row in granted]
        placed = Placement.objects.filter(study__patient=patient).exclude(kind__in=GRANTED)
        self._placed = set(placed.values_list("study__study_instance_uid", "department__code"))
        self._holders = holders_of(actor_ids)
        prepared = DataPackage.objects.filter(patient=patient).values_list("asked_by_id", "asked_at")
        self._prepared = {(actor, timezone.localtime(at).date()) for actor, at in prepared}

    def of(self, line: AccessLine) -> tuple[Told, ...]:
        """The grounds of one line, the plainest first: by what it says and by what its actor held then."""
        if line.actor_kind != "user":
            return ()
        held = [row for row in self._grants if row.holder in self._holders[line.actor_id] and _held(row, line)]
        told: list[Told] = []
        codes = line.departments
        explained = {uid for uid in line.studies if any((uid, code) in self._placed for code in codes)}
        if explained:
            told.append(Told(Ground.TREATING))
        told += [Told(Ground.GRANT, row.reason) for row in held if not row.is_emergency]
        if Action.PRIOR_OPENED.value in line.actions:
            told.append(Told(Ground.PRIOR))
        broken = [row for row in held if row.is_emergency]
        told += [Told(Ground.EMERGENCY, row.reason) for row in broken]
        if not broken and Action.EMERGENCY_STARTED.value in line.actions:
            told.append(Told(Ground.EMERGENCY, line.reasons[0] if line.reasons else ""))
        is_for_the_patient = (line.actor_id, line.day) in self._prepared and set(line.actions) <= _OF_A_PACKAGE
        if is_for_the_patient or set(line.actions) <= _OF_THE_DESK:
            return (Told(Ground.DESK),)
        if words.SHARING & set(line.actions):
            told.append(Told(Ground.SHARING))
        if words.TRANSFERRING & set(line.actions):
            told += [Told(Ground.TRANSFER, receiver) for receiver in line.receivers or ("",)]
        told += [Told(Ground.COLLECTION, name) for name in line.collections]
        if words.COLLECTING & set(line.actions) and not line.collections:
            told.append(Told(Ground.COLLECTION))
        covered = explained | {row.study for row in held}
        is_whole = bool(held and any(not row.study for row in held))
        is_open = is_whole or Action.PRIOR_OPENED.value in line.actions or bool(line.collections)
        unexplained = set(line.studies) - covered if not is_open else set()
        if unexplained or not told:
            told.append(Told(Ground.UNKNOWN))
        return tuple(dict.fromkeys(told))


_OF_THE_DESK = frozenset({Action.PACKAGE_EXPORTED.value, Action.AUDIT_READ.value, Action.AUDIT_EXPORTED.value})
#: What preparing a copy for the patient leaves behind, on the day on which it was asked for.
_OF_A_PACKAGE = _OF_THE_DESK | {Action.STUDY_EXPORTED.value, Action.METADATA_READ.value}


def role_in_words(role: str) -> str:
    """The word for a role; one that is not known any more as it was written."""
    return str(Role(role).label) if role in Role.values else role


def _given(row: Grant) -> _Given:
    ends = [end for end in (row.until, row.ended_at) if end is not None]
    is_emergency = row.gives == Grant.Gives.EMERGENCY or row.basis == Grant.Basis.EMERGENCY
    study = row.study.study_instance_uid if row.study else ""
    return _Given(row.holder_id, row.granted_at, min(ends, default=None), is_emergency, row.reason, study)


def holders_of(actor_ids: Collection[str]) -> defaultdict[str, set[int]]:
    """Departments of people, of memberships that have ended too, and their own places."""
    keys = {int(actor) for actor in actor_ids if actor.isdigit()}
    found: defaultdict[str, set[int]] = defaultdict(set)
    for user, department in Membership.objects.by_place().filter(user__in=keys).values_list("user_id", "place"):
        found[str(user)].add(department)
    for user, place in User.objects.filter(pk__in=keys, own_place__isnull=False).values_list("pk", "own_place_id"):
        found[str(user)].add(place)
    return found


def _held(row: _Given, line: AccessLine) -> bool:
    within = row.since <= line.last_at and (row.until is None or line.first_at < row.until)
    return within and (not row.study or row.study in line.studies)
