"""What is asked of shares: by whom one is opened, whether it still stands, whose they are."""

from typing import Final

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Department
from imaging.sharing import secrets
from imaging.sharing.models import Share, SharePolicy, ShareVisit
from imaging.studies.models import Study

#: Visits of programs: they send their token, and have no second proof of their own to give.
PROGRAMS: Final = frozenset({ShareVisit.Way.TOKEN, ShareVisit.Way.HEALTH_LINK})


def share_named(key: str) -> Share | None:
    """Return the share of this identifier, whatever has become of it."""
    return Share.objects.select_related("department__site", "created_by", "patient", "record").filter(key=key).first()


def visit_of(key: str, token: str, *, is_program: bool) -> ShareVisit | None:
    """Return the visit of this token to this share, as long as it lasts, whatever has become of the share.

    A program's token is none of a browser's, and the other way about.
    """
    if not token:
        return None
    rows = ShareVisit.objects.select_related(
        "share__department__site", "share__created_by", "share__patient", "share__record"
    )
    visit = rows.filter(token_digest=secrets.digest_of(token), share__key=key).first()
    if visit is None or (visit.way in PROGRAMS) != is_program:
        return None
    if visit.ended_at is not None or timezone.now() >= visit.valid_until:
        return None
    return visit


def still_stands(visit: ShareVisit) -> bool:
    """Whether what was begun for this visit may go on: nothing about it or its share has changed since."""
    row = ShareVisit.objects.filter(pk=visit.pk, ended_at=None, valid_until__gt=timezone.now())
    return row.filter(share__in=Share.objects.standing(), share__version=visit.share.version).exists()


def policy_of(department: int) -> SharePolicy:
    """Return the sharing rules of a department: its own, those for all others, or the portal's defaults (unsaved)."""
    rows = {row.department_id: row for row in SharePolicy.objects.filter(department__in=[department])}
    own = rows.get(department) or SharePolicy.objects.filter(department=None).first()
    return own or SharePolicy()


def visits_of(share: Share) -> QuerySet[ShareVisit]:
    """Return who opened a share, latest first."""
    return share.visits.all()


def standing_of(study: Study, department: Department) -> QuerySet[Share]:
    """Return the shares of a department that open something of a study now."""
    rows = Share.objects.standing().filter(department=department, items__study=study)
    return rows.select_related("created_by").distinct()
