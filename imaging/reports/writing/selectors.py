"""Questions about reports: who may write, what is being written, what was signed, what waits for a second signature."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser

from accounts import selectors as accounts
from accounts.actor import Actor
from accounts.models import User
from accounts.roles import Capability, Right
from accounts.scope import Scope
from imaging.reports.models import OvertakenText, ReadingItem, Report, ReportDraft, ReportingPolicy, ReportVersion
from imaging.reports.writing.policies import Powers, State, Writing
from imaging.studies import selectors as studies
from imaging.studies.models import InstanceVersion, Placement, Study

_MOST_PRIORS = 12
#: Placements of a department that makes or treats, as opposed to one that was granted a look.
_WORKING = (Placement.Kind.OWNER, Placement.Kind.REQUESTING)


@dataclass(frozen=True, slots=True)
class Writer:
    """Somebody who writes reports somewhere: departments by primary key."""

    user: User
    actor: Actor
    scope: Scope
    writes_in: frozenset[int]
    signs_in: frozenset[int]


def writer(user: User | AnonymousUser, *, actor: Actor, scope: Scope) -> Writer | None:
    """The person as one who writes reports; None for others."""
    if not isinstance(user, User):
        return None
    held = accounts.capabilities_by_department(user)
    writes_in = held.get(Capability.WRITE_REPORT, frozenset())
    signs_in = held.get(Capability.SIGN_REPORT, frozenset())
    return Writer(user, actor, scope, writes_in | signs_in, signs_in) if writes_in or signs_in else None


def departments_working_on(study: Study) -> frozenset[int]:
    """The departments that made the study or read it, by primary key."""
    rows = Placement.objects.filter(study=study, kind__in=_WORKING).live()
    return frozenset(rows.values_list("department_id", flat=True))


def powers(person: Writer, study: Study) -> Powers:
    """What the person may do with the report of a study that is seen: nothing where another system keeps it."""
    if Report.objects.filter(study=study).exclude(source="").exists():
        return Powers()
    places = departments_working_on(study)
    return Powers(may_write=bool(places & person.writes_in), may_sign=bool(places & person.signs_in))


def supervisors(study: Study) -> list[User]:
    """Who may sign a trainee's report of this study, by name."""
    people = accounts.people_capable(Capability.SIGN_REPORT, department_ids=departments_working_on(study))
    return sorted(people, key=lambda person: person.label.casefold())


def report_of(study: Study) -> Report | None:
    """The report of a study that is seen."""
    rows = Report.objects.filter(study=study).select_related("author", "supervisor", "template")
    return rows.first()


def report(scope: Scope, key: uuid.UUID) -> Report | None:
    """A report by its key, for who may view its study."""
    rows = Report.objects.visible_to(scope, Right.VIEW).filter(key=key)
    return rows.select_related("study__patient", "author", "supervisor").first()


def draft_of(known: Report | None) -> ReportDraft | None:
    """What is being written now."""
    if known is None:
        return None
    return ReportDraft.objects.filter(report=known).select_related("saved_by").first()


def standing(known: Report | None, draft: ReportDraft | None) -> tuple[State, Writing | None]:
    """Where a report stands, and what is being written of it."""
    return State(known.state) if known else State.NONE, Writing(draft.kind) if draft else None


def versions(known: Report) -> list[ReportVersion]:
    """All signed versions, first to last."""
    return list(ReportVersion.objects.filter(report=known).select_related("author", "signed_by").order_by("number"))


def version(known: Report, number: int | None = None) -> ReportVersion | None:
    """One version; without a number the last."""
    rows = ReportVersion.objects.filter(report=known).select_related("author", "signed_by")
    return rows.filter(number=number).first() if number else rows.order_by("-number").first()


def latest(study: Study) -> tuple[Report, ReportVersion] | None:
    """What readers of a study get: its report with the last version, once there is one."""
    row = (
        ReportVersion.objects.filter(report__study=study)
        .select_related("report", "author", "signed_by")
        .order_by("-number")
        .first()
    )
    return (row.report, row) if row else None


def prior_reports(study: Study, *, scope: Scope) -> list[ReportVersion]:
    """The last version of each report of the patient's other studies that the reader sees, latest study first."""
    others = Report.objects.visible_to(scope, Right.VIEW).filter(study__patient=study.patient_id)
    rows = (
        ReportVersion.objects.filter(report__in=others.exclude(study=study).values("pk"))
        .order_by("report_id", "-number")
        .distinct("report_id")
        .select_related("report__study")
    )
    return sorted(rows, key=lambda row: row.report.study.study_at, reverse=True)[:_MOST_PRIORS]


def asked(study: Study) -> ReadingItem | None:
    """What was asked of a study, as reading knows it."""
    return ReadingItem.objects.filter(study=study).select_related("asking_department", "asked_by").first()


def overtaken(known: Report | None, user: User) -> OvertakenText | None:
    """A text of this person that somebody else's was saved over."""
    return OvertakenText.objects.filter(report=known, typed_by=user).first() if known else None


def policy() -> ReportingPolicy:
    """The hospital's rules of reporting; those that hold before anybody made some."""
    return ReportingPolicy.objects.first() or ReportingPolicy()


def current_versions(study: Study, instance_ids: Collection[int], *, scope: Scope) -> list[InstanceVersion]:
    """The current versions of some instances of a study that the reader views."""
    if not instance_ids:
        return []
    return list(studies.versions_of(study, scope=scope).filter(instance__in=instance_ids))


def study_uids_of_reports(keys: Collection[str]) -> dict[str, str]:
    """The Study Instance UID of each report, by its key."""
    rows = Report.objects.filter(key__in=list(keys)).values_list("key", "study__study_instance_uid")
    return {str(key): uid for key, uid in rows}


def may_take_away(study: Study, *, scope: Scope) -> bool:
    """Whether the reader may download the study, and so its report."""
    return Study.objects.visible_to(scope, Right.DOWNLOAD).filter(pk=study.pk).exists()
