"""Who can see a study now, and why: for who answers for it. It decides nothing; tests hold it against the scope of each person."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from accounts.holding import memberships_in
from accounts.models import Department, MachineKey, Membership, User
from accounts.roles import POWERS, Right, cleared_by, rights_of
from accounts.scope import GRANTED_RIGHTS
from imaging.studies import lending, reasons
from imaging.studies.models import Grant, Patient, Placement, Study
from imaging.studies.querysets import is_given_by
from imaging.studies.reasons import Reason, Way


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """One person, by one way. ``membership`` and ``department`` are None for what was granted to the person alone."""

    user: User
    way: Way
    rights: frozenset[Right]
    department: Department | None = None
    membership: Membership | None = None
    grants: tuple[Grant, ...] = ()
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Readers:
    """Who can see a study: people, and the machine keys that open one of its departments."""

    people: tuple[Reader, ...]
    machines: tuple[MachineKey, ...]


def readers_of(study: Study) -> Readers:
    """Everybody who may list ``study`` now by a department, a grant or a collection, and why; a person once for each way.

    Who treats the patient may open it as an earlier study too, where its department's rule says so: that is no way of its own
    here, for it is asked when it is done.
    """
    found = reasons.holders_of(study)
    own = [reason for reason in found if reason.placement and reason.placement.department.is_personal]
    shared = [reason for reason in found if reason.placement and not reason.placement.department.is_personal]
    people = [*_by_membership(study, shared), *_alone(own), *_lent(study)]
    people.sort(key=lambda reader: (reader.user.label.lower(), reader.user.pk))
    return Readers(tuple(people), tuple(_machines(shared)))


def study_named(text: str) -> Study | None:
    """The study of this UID or accession number; of several with one number, none."""
    wanted = text.strip()[:64].replace("\x00", "")
    if not wanted:
        return None
    rows = Study.objects.select_related("patient")
    found = rows.filter(study_instance_uid=wanted).first()
    if found is None:
        same = list(rows.filter(accession_number=wanted)[:2])
        found = same[0] if len(same) == 1 else None
    return found


def patient_named(issuer: str, patient_id: str) -> Patient | None:
    """The patient of this ID; without an issuer, where only one has it."""
    wanted = {"patient_id": patient_id.strip()[:64].replace("\x00", "")}
    if issuer.strip():
        wanted["issuer_of_patient_id"] = issuer.strip()[:64].replace("\x00", "")
    found = list(Patient.objects.filter(**wanted)[:2]) if wanted["patient_id"] else []
    return found[0] if len(found) == 1 else None


def grants_of(user: User) -> list[Grant]:
    """The grants to this person alone that hold now, the latest first."""
    if user.own_place_id is None:
        return []
    rows = Grant.objects.live().filter(holder=user.own_place_id).select_related("patient", "study", "granted_by")
    return list(rows.order_by("-pk"))


def _by_membership(study: Study, found: Sequence[Reason]) -> list[Reader]:
    places = {reason.placement.department_id: reason for reason in found if reason.placement}
    roles = [role for role, powers in POWERS.items() if Right.LIST in powers.rights]
    rows = memberships_in(places, roles=roles).select_related("user", "group")
    readers = []
    for row in rows.order_by("user", "pk"):
        reason = places[row.place]
        placement = reason.placement
        if placement is None or placement.sensitivity not in {"", *cleared_by(row.role, row.clears)}:
            continue
        ends = [end for end in (row.valid_until, placement.until) if end is not None]
        readers.append(
            Reader(
                user=row.user,
                way=reason.way,
                rights=_given(rights_of(row.role), placement),
                department=placement.department,
                membership=row,
                grants=reason.grants,
                until=min(ends, default=None),
            )
        )
    return readers


def _alone(found: Sequence[Reason]) -> list[Reader]:
    """Whom a grant names alone, as long as they work where images are seen (``accounts.scope``)."""
    if not found:
        return []
    roles = [role for role, powers in POWERS.items() if Right.VIEW in powers.rights]
    places = [reason.placement.department_id for reason in found if reason.placement]
    working = set(memberships_in(roles=roles).filter(user__own_place__in=places).values_list("user", flat=True))
    readers = []
    for reason in found:
        placement = reason.placement
        person = getattr(placement.department, "person", None) if placement else None
        if placement is None or placement.sensitivity or not isinstance(person, User) or person.pk not in working:
            continue
        readers.append(
            Reader(
                user=person,
                way=reason.way,
                rights=_given(GRANTED_RIGHTS, placement),
                grants=reason.grants,
                until=placement.until,
            )
        )
    return readers


def _lent(study: Study) -> list[Reader]:
    """To whom a set lends the study. A label keeps it from all of them."""
    if study.sensitivity:
        return []
    return [Reader(user=user, way=Way.LENT, rights=rights) for user, rights in lending.readers(study.pk)]


def _given(rights: Iterable[Right], placement: Placement) -> frozenset[Right]:
    return frozenset(right for right in rights if is_given_by(placement.kind, right))


def _machines(found: Iterable[Reason]) -> list[MachineKey]:
    """Keys of the departments; a label keeps all machines away."""
    open_in = [
        reason.placement.department_id for reason in found if reason.placement and not reason.placement.sensitivity
    ]
    rows = MachineKey.objects.filter(revoked_at=None, departments__in=open_in, departments__is_active=True)
    return list(rows.distinct().order_by("name"))
