"""What the recipient's page asks of a share: its studies as far as they are open now, and when their reports are."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from accounts.roles import Right
from accounts.scope import Scope
from imaging.sharing import selectors
from imaging.sharing.models import Share, ShareVisit
from imaging.sharing.models.choices import Recipient
from imaging.sharing.record import selectors as records
from imaging.studies.models import Study


@dataclass(frozen=True, slots=True)
class SharedStudy:
    """A study of a share, whole or in part."""

    study: Study
    is_prior: bool


def studies_of(share: Share, scope: Scope) -> list[SharedStudy]:
    """Return the studies that the scope of a visit shows, those in hand before the earlier ones, latest first."""
    if records.is_record(share):
        own = Study.objects.visible_to(scope, Right.LIST).select_related("patient")
        return [SharedStudy(row, is_prior=False) for row in own.order_by("-study_at", "-pk")]
    priors: QuerySet[Any, Any] = share.items.filter(is_prior=True).values("study")
    named: QuerySet[Any, Any] = share.items.values("study")
    if share.deidentification is not None:
        made = share.deidentification.copies.filter(copy__isnull=False)
        priors, named = made.filter(source__in=priors).values("copy"), made.values("copy")
    earlier = {pk for row in priors for pk in row.values()}
    rows = Study.objects.visible_to(scope, Right.VIEW).filter(pk__in=named).select_related("patient")
    found = [SharedStudy(row, row.pk in earlier) for row in rows.order_by("-study_at", "-pk")]
    return sorted(found, key=lambda entry: entry.is_prior)


def visit_count(share: Share) -> int:
    """Return how many times the share was opened and proved."""
    return ShareVisit.objects.filter(share=share, proved_at__isnull=False).count()


def report_opens_at(share: Share, signed_at: dt.datetime | None, *, is_critical: bool = False) -> dt.datetime | None:
    """Return from when a patient may read a report signed at that moment; None where nobody has to wait.

    ``is_critical`` when a critical finding was raised in it: in a patient's record such a report waits longer.
    """
    if share.recipient != Recipient.PATIENT or signed_at is None:
        return None
    hours = selectors.policy_of(share.department_id).report_hours
    if records.is_record(share):
        rules = records.policy_of(share.department_id)
        hours = max(hours, 24 * (rules.critical_report_days if is_critical else rules.report_days))
    return signed_at + dt.timedelta(hours=hours) if hours else None
