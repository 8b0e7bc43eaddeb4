"""What time does to shares: telling of the end, telling of what is not shown any more, and ending visits that are over.

What a share shows is asked at every request, so nothing here closes anything: it tells people what the doors know already.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Final

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.actor import SYSTEM
from accounts.notifications.kinds import Kind
from accounts.roles import Right
from accounts.scope import scope_of_departments
from imaging.sharing import log, notices, scopes
from imaging.sharing.copies import services as copies
from imaging.sharing.models import Share, ShareEvent, ShareItem, ShareVisit
from imaging.sharing.models.choices import Recipient
from imaging.sharing.receiving import outsiders
from imaging.sharing.record import selectors as records
from imaging.studies.models import PatientChoice, Study

#: How long before the end its owner is told; not of what was shorter than twice that from the beginning.
BEFORE_END: Final = dt.timedelta(days=2)
#: Shares that one turn looks at: the rest have theirs in a few minutes.
_AT_ONCE: Final = 500
#: How an event says that its owner was told, and of what: the desk has a sentence for each.
ENDING_WORD: Final = "ending"
STOPPED_WORD: Final = "stopped"


def tend() -> None:
    """Do all that is due."""
    _end_visits()
    copies.give_up()
    outsiders.forget_abandoned()
    _tell_of_ends()
    _tell_of_what_stopped()


def _end_visits() -> None:
    ShareVisit.objects.filter(ended_at=None, valid_until__lte=timezone.now()).update(ended_at=F("valid_until"))


def _tell_of_ends() -> None:
    """Tell two days before, once for each end: a share that was extended since is told of again."""
    now = timezone.now()
    ends = Share.objects.standing().filter(valid_until__lte=now + BEFORE_END)
    ends = ends.filter(valid_until__gt=F("valid_from") + 2 * BEFORE_END)
    told = _said(ENDING_WORD).filter(at__gt=OuterRef("valid_until") - BEFORE_END)
    _tell(ends.exclude(Exists(told)).values_list("pk", flat=True)[:_AT_ONCE], ENDING_WORD, notices.ENDING)


def _tell_of_what_stopped() -> None:
    """Tell once of a share of which something is not shown any more, for whatever reason."""
    found = [pk for pk in _suspected() if _has_stopped(Share.objects.select_related("patient").get(pk=pk))]
    _tell(found, STOPPED_WORD, notices.STOPPED)


def _suspected() -> list[int]:
    """Return shares of which something may be closed: by department, so that a turn asks a few questions, however many stand."""
    standing = Share.objects.standing().exclude(Exists(_said(STOPPED_WORD)))
    found: list[int] = []
    for department in list(standing.order_by().values_list("department", flat=True).distinct()):
        scope = scope_of_departments(
            principal=SYSTEM, departments=[department], rights=[Right.SHARE], reason="what shares still show"
        )
        usable = Study.objects.visible_to(scope, Right.SHARE).filter(pk=OuterRef("study"))
        items = ShareItem.objects.filter(share=OuterRef("pk"))
        closed = items.filter(~Exists(usable) | ~Q(study__patient=OuterRef("patient")))
        here = standing.filter(department=department)
        rows = here.filter(Exists(closed) | _opposed())
        found += rows.order_by("pk").values_list("pk", flat=True)[:_AT_ONCE]
    return found


def _opposed() -> Q:
    """The patient opposes that images go to this recipient."""
    choices = PatientChoice.objects.in_force().filter(patient=OuterRef("patient"), answer="opposed")
    is_patient = Q(recipient=Recipient.PATIENT)
    return (is_patient & Q(Exists(choices.filter(use=PatientChoice.Use.PORTAL)))) | (
        ~is_patient & Q(Exists(choices.filter(use=PatientChoice.Use.OUTSIDE)))
    )


def _has_stopped(share: Share) -> bool:
    """Whether something is really closed: a study of a merged record is still the same patient's."""
    if share.kind == Share.Kind.RECORD:
        return records.is_kept_back(share)
    return len(scopes.live_items(share)) < share.items.count()


def _said(word: str) -> QuerySet[ShareEvent]:
    return ShareEvent.objects.filter(share=OuterRef("pk"), kind=ShareEvent.Kind.CHANGED, words=word)


def _tell(pks: Iterable[int], word: str, kind: Kind) -> None:
    """Tell each owner, and keep that it was told, together."""
    for pk in list(pks):
        with transaction.atomic():
            rows = Share.objects.standing().select_for_update(of=("self",), no_key=True, skip_locked=True)
            share = rows.select_related("created_by").filter(pk=pk).first()
            if share is not None:
                log.note(share, ShareEvent.Kind.CHANGED, words=word)
                notices.tell_owner(share, kind)
