"""What is asked of standing links: the rules they stand under, what they show now, who holds the others."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.actor import SYSTEM
from accounts.models import Department
from accounts.roles import Right
from accounts.scope import Scope, scope_of_departments
from imaging.dicom import uids
from imaging.sharing import selectors as sharing
from imaging.sharing.models import RecordLink, RecordPolicy, Share, SharePolicy
from imaging.sharing.record import policies
from imaging.studies.models import Instance, Patient, PatientChoice, Series, Study
from imaging.studies.oppositions import is_opposed
from imaging.studies.selectors import remaining_patient


@dataclass(frozen=True, slots=True)
class Shows:
    """What the page of a standing link shows to who holds it, by the department's rules of this moment."""

    images: bool
    download: bool
    reports: bool
    shares: bool
    looks: bool
    rules: RecordPolicy


def policy_of(department: int) -> RecordPolicy:
    """Return the rules of a department about records: its own, those for all others, or the portal's defaults (unsaved)."""
    rows = {
        row.department_id: row for row in RecordPolicy.objects.filter(Q(department=department) | Q(department=None))
    }
    return rows.get(department) or rows.get(None) or RecordPolicy()


def are_given() -> bool:
    """Whether any department gives patients links to their record."""
    return RecordPolicy.objects.filter(is_given=True).exists()


def limits_of(share: Share) -> SharePolicy:
    """Return the rules against which new limits of a share are held: of a standing link, those about records."""
    limits = sharing.policy_of(share.department_id)
    if not is_record(share):
        return limits
    rules = policy_of(share.department_id)
    return SharePolicy(
        is_allowed=limits.is_allowed and rules.is_given,
        most_days=rules.most_days,
        most_opens=rules.most_opens,
        may_download=rules.may_download,
        approval=limits.approval,
    )


def is_record(share: Share) -> bool:
    """Whether a share shows a patient's own record."""
    return share.kind == Share.Kind.RECORD


def link_of(share: Share) -> RecordLink | None:
    """Return what a standing link has besides; None for a share of images."""
    return getattr(share, "record", None) if is_record(share) else None


def is_proxy(share: Share) -> bool:
    """Whether a standing link is held by somebody else than the patient."""
    link = link_of(share)
    return link is not None and link.is_proxy


def shows(share: Share) -> Shows:
    """Return what a standing link shows now: never more than it was given with, and to a proxy what is shown to proxies."""
    rules = policy_of(share.department_id)
    proxy = is_proxy(share)
    return Shows(
        images=rules.shows_images,
        download=rules.shows_images and rules.may_download and share.may_download,
        reports=rules.shows_reports and share.with_report and (rules.proxies_see_reports or not proxy),
        shares=rules.shows_shares and (rules.proxies_see_looks or not proxy),
        looks=rules.shows_looks and (rules.proxies_see_looks or not proxy),
        rules=rules,
    )


def of_age_at(patient: Patient | None, department: Department, rules: RecordPolicy) -> dt.datetime | None:
    """Return when the patient comes of age where the department is: the first moment of that birthday; None where unknown."""
    if patient is None or patient.birth_date is None:
        return None
    day = policies.birthday(patient.birth_date, rules.of_age)
    return dt.datetime.combine(day, dt.time.min, department.site.zone)


def has_come_of_age(share: Share) -> bool:
    """Whether a parent's link is over because the patient is of age now: asked anew each time."""
    link = link_of(share)
    if link is None or not link.ends_of_age:
        return False
    moment = of_age_at(person_of(share), share.department, policy_of(share.department_id))
    return moment is not None and moment <= timezone.now()


def latest_end(share: Share, wished: dt.datetime) -> dt.datetime:
    """Return when a link ends that is to end then: a parent's no later than the child comes of age."""
    link = link_of(share)
    if link is None or not link.ends_of_age:
        return wished
    moment = of_age_at(person_of(share), share.department, policy_of(share.department_id))
    return min(wished, moment) if moment is not None and moment > share.valid_from else wished


def people_of(share: Share) -> frozenset[int]:
    """Return the primary keys under which the patient of a share is known: their own, and the record into which it was merged."""
    if share.patient_id is None:
        return frozenset()
    return frozenset({share.patient_id, remaining_patient(share.patient_id)})


def person_of(share: Share) -> Patient | None:
    """Return the patient whose record it is: the one that remains of merged ones."""
    if share.patient_id is None:
        return None
    remaining = remaining_patient(share.patient_id)
    return share.patient if remaining == share.patient_id else Patient.objects.get(pk=remaining)


def is_kept_back(share: Share) -> bool:
    """Whether the patient opposed their own access on the web, under any name that is theirs."""
    return _oppose(share, people_of(share))


def _oppose(share: Share, people: frozenset[int]) -> bool:
    known = [share.patient] if people == {share.patient_id} else Patient.objects.filter(pk__in=people)
    return any(patient is not None and is_opposed(patient, PatientChoice.Use.PORTAL) for patient in known)


def shown_series(share: Share) -> QuerySet[Series]:
    """Return the series of images that are the patient's own, and that the department of the link may share this moment.

    Series of reports and documents are none of them: a report is read as the PDF that was signed, once its time has come.
    """
    people = people_of(share)
    if _oppose(share, people):
        return Series.objects.none()
    place = scope_of_departments(
        principal=SYSTEM, departments=[share.department_id], rights=[Right.SHARE], reason="what a record shows"
    )
    texts = Q()
    for prefix in uids.HOLD_WORDS:
        texts |= Q(sop_class_uid__startswith=prefix)
    texts_of = Instance.objects.filter(texts, series=OuterRef("pk"))
    rows = Series.objects.visible_to(place, Right.SHARE).filter(study__patient__in=people)
    return rows.exclude(Exists(texts_of))


def series_of(studies: Iterable[Study], scope: Scope) -> dict[int, list[Series]]:
    """Return the series that may be looked at, by the primary key of their study, in their order. One query."""
    rows = Series.objects.visible_to(scope, Right.VIEW).filter(study__in=list(studies))
    found: dict[int, list[Series]] = {}
    for row in rows.select_related("study", "thumbnail").order_by(F("series_number").asc(nulls_last=True), "pk"):
        found.setdefault(row.study_id, []).append(row)
    return found


def links_about(patients: Iterable[int], department: int) -> QuerySet[Share]:
    """Return the links to a patient's record that a department gave and that are not over, latest first."""
    rows = Share.objects.filter(kind=Share.Kind.RECORD, patient__in=list(patients), department=department)
    over = [Share.State.REFUSED, Share.State.REVOKED, Share.State.LOCKED]
    rows = rows.exclude(state__in=over).filter(valid_until__gt=timezone.now())
    return rows.select_related("record", "created_by", "department__site", "patient").order_by("-created_at", "-pk")


def live_links(patients: Iterable[int], department: int) -> list[Share]:
    """Return those of the links to a record that are not over by age either."""
    return [share for share in links_about(patients, department) if not has_come_of_age(share)]


def proxies_of(share: Share) -> list[Share]:
    """Return the links that others hold to the same record, from the same department."""
    found = live_links(people_of(share), share.department_id)
    return [row for row in found if row.pk != share.pk and row.record.is_proxy]


def image_shares(share: Share, studies: Iterable[int]) -> QuerySet[Share]:
    """Return the links to images of these studies, by primary key, of the same patient; latest first."""
    rows = Share.objects.filter(kind=Share.Kind.IMAGES, patient__in=people_of(share), items__study__in=list(studies))
    return rows.exclude(state=Share.State.REFUSED).select_related("created_by", "department").distinct()


def all_links(share: Share) -> QuerySet[Share]:
    """Return all links to the same record, whatever has become of them."""
    rows = Share.objects.filter(kind=Share.Kind.RECORD, patient__in=people_of(share))
    return rows.select_related("record")
