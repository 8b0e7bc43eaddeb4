"""Why a reader can see a study: every way in which it is open, with what that gives; and who else can, for who answers for it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import Q, QuerySet

from accounts.models import Department
from accounts.roles import Right
from accounts.scope import PRIOR_RIGHTS, Scope
from imaging.studies import lending
from imaging.studies.models import GRANTED, Grant, Placement, Protection, Study
from imaging.studies.querysets import is_given_by


class Way(StrEnum):
    """How a study can be open to a reader."""

    #: It lies in a department by treatment: the one that made it or asked for it.
    DEPARTMENT = "department"
    #: It was granted, to the department or to the person.
    GRANT = "grant"
    #: The glass was broken.
    EMERGENCY = "emergency"
    #: It was opened as an earlier study of the patient of another study.
    PRIOR = "prior"
    #: A set of studies to which the reader belongs lends it.
    LENT = "lent"
    #: The study or its patient is named, as in a link.
    NAMED = "named"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One way. ``placement`` and the ``grants`` behind it are there where a department, or a person's own place, has the study."""

    way: Way
    rights: frozenset[Right]
    placement: Placement | None = None
    grants: tuple[Grant, ...] = ()
    until: datetime | None = None
    prior_of: str = ""
    lent_by: str = ""

    @property
    def department(self) -> Department | None:
        """The department, or the person's own place."""
        return self.placement.department if self.placement else None


def reasons_of(study: Study, *, scope: Scope) -> list[Reason]:
    """Every way in which ``scope`` may list ``study`` now, treating departments first; two queries, and one for each set."""
    if scope.is_empty:
        return []
    found = _by_placement(study, Placement.objects.visible_to(scope), scope)
    base = scope.opened_as_prior(study.study_instance_uid)
    is_open = Study.objects.visible_to(scope).filter(pk=study.pk)
    if base and (found or is_open.exists()):
        found.append(Reason(way=Way.PRIOR, rights=frozenset(PRIOR_RIGHTS), prior_of=base))
    by_set = dict(scope.lent)
    found += [
        Reason(way=Way.LENT, rights=by_set[key], until=scope.valid_until, lent_by=name)
        for key, name in lending.names(study.pk, list(by_set)).items()
    ]
    if not found and scope.named_with(Right.LIST) and is_open.exists():
        found.append(Reason(way=Way.NAMED, rights=scope.rights, until=scope.valid_until))
    return found


def holders_of(study: Study) -> list[Reason]:
    """Every place in which a study lies now, for who answers for it: the readers of these are who can see it."""
    return _by_placement(study, Placement.objects.live(), None)


def protections_of(study: Study) -> list[Protection]:
    """The labels on a study and on its patient, the patient's first."""
    about = Q(study=study) | Q(patient=study.patient_id)
    rows = Protection.objects.live().filter(about).select_related("set_by").order_by("study_id", "pk")
    return sorted(rows, key=lambda row: (row.study_id is not None, row.pk))


def liftable(study: Study, pk: int) -> Protection | None:
    """A label on this study or its patient by its number; None when it is on neither."""
    about = Q(study=study) | Q(patient=study.patient_id)
    return Protection.objects.live().filter(about, pk=pk).select_related("patient", "study__patient").first()


def rights_given(reasons: Iterable[Reason]) -> frozenset[Right]:
    """What may be done by these reasons together."""
    return frozenset(right for reason in reasons for right in reason.rights)


def _by_placement(study: Study, placements: QuerySet[Placement], scope: Scope | None) -> list[Reason]:
    rows = list(placements.filter(study=study).select_related("department__person").order_by("pk"))
    held = dict(scope.department_rights) if scope is not None else {}
    grants = _grants(study, [row.department_id for row in rows if row.kind in GRANTED])
    found = []
    for row in rows:
        way = Way.DEPARTMENT
        if row.kind in GRANTED:
            way = Way.EMERGENCY if row.kind == Placement.Kind.EMERGENCY else Way.GRANT
        rights = frozenset(held.get(row.department_id, frozenset()) if scope is not None else Right)
        found.append(
            Reason(
                way=way,
                rights=frozenset(right for right in rights if is_given_by(row.kind, right)),
                placement=row,
                grants=tuple(grants.get(row.department_id, ())) if row.kind in GRANTED else (),
                until=row.until,
            )
        )
    order = list(Way)
    return sorted(found, key=lambda reason: order.index(reason.way))


def _grants(study: Study, holders: list[int]) -> dict[int, list[Grant]]:
    """The live grants of this study to these holders, the latest first."""
    if not holders:
        return {}
    about = Q(study=study) | Q(patient=study.patient_id)
    rows = Grant.objects.live().filter(about, holder__in=holders).select_related("granted_by").order_by("-pk")
    found: dict[int, list[Grant]] = {}
    for row in rows:
        found.setdefault(row.holder_id, []).append(row)
    return found
