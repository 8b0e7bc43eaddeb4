"""Who looked at a patient's record, as the patient reads it: by day, in plain words, staff by their role unless the rules name them."""

import datetime as dt
from collections.abc import Container
from itertools import groupby
from typing import Any, Final

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts import audit
from accounts.scope import Scope
from imaging.privacy.looking import selectors as looking
from imaging.privacy.looking.grounds import Told
from imaging.privacy.looking.identities import identity_of
from imaging.privacy.looking.letters import lines_of
from imaging.privacy.looking.selectors import Group, Period
from imaging.privacy.looking.words import PURPOSES
from imaging.sharing import recipients
from imaging.sharing.models import Share, ShareVisit
from imaging.sharing.record import looks
from imaging.sharing.record import selectors as records
from imaging.sharing.record.selectors import Shows
from imaging.viewer.shared.record import record_look

#: Months that the page offers, and lines that it tells at the most.
MONTHS: Final = (3, 12, 36)
MOST: Final = 400
_DAYS_OF_A_MONTH: Final = 31


@require_safe
def page(request: HttpRequest) -> HttpResponseBase:
    """Tell who looked in the last months; 404 for a share of images, and where the rules do not show it."""
    visit: ShareVisit | None = request.share_visit  # type: ignore[attr-defined]
    if visit is None or not records.is_record(visit.share):
        raise Http404
    shows = records.shows(visit.share)
    if not shows.looks:
        raise Http404
    asked = request.GET.get("months", "")
    months = int(asked) if asked in {str(each) for each in MONTHS} else MONTHS[0]
    context = told(visit.share, request.scope, shows, months=months)  # type: ignore[attr-defined]
    record_look(audit.Action.AUDIT_READ, visit.share, request.actor)  # type: ignore[attr-defined]
    return render(request, "imaging/sharing/record/looks.html", {**context, "months": months, "choices": MONTHS})


def told(share: Share, scope: Scope, shows: Shows, *, months: int) -> dict[str, Any]:
    """Return who looked, latest day first, as far as it is about what the record shows."""
    patient = records.person_of(share)
    if patient is None:
        raise Http404
    today = timezone.localdate()
    period = Period(today - dt.timedelta(days=months * _DAYS_OF_A_MONTH), today)
    found = looking.looks_at(identity_of(patient), period)
    entries = recipients.studies_of(share, scope)
    shown = frozenset(entry.study.study_instance_uid for entry in entries)
    who = looks.visitors(share, {entry.study.pk for entry in entries}, shows)
    kept = [group for group in found.groups if _is_about(share, group, shown, who)]
    lines = [
        {
            **line,
            "day": group.day,
            "who": who.get(group.actor, line["who"]) if group.kind == "share" else line["who"],
            "why": _why(group),
        }
        for group, line in zip(kept[:MOST], lines_of(kept[:MOST], names_staff=shows.rules.names_staff), strict=True)
    ]
    days = [(day, list(rows)) for day, rows in groupby(lines, key=lambda line: line["day"])]
    return {
        "share": share,
        "hospital": share.department.site.name,
        "days": days,
        "is_proxy": records.is_proxy(share),
        "is_cut": found.is_cut or len(kept) > MOST,
        "names_staff": shows.rules.names_staff,
        "contact": shows.rules.contact_words,
        "nobody": _("Nobody looked in these months."),
    }


def _why(group: Group) -> list[str]:
    """The grounds of a look, without what staff wrote to each other about them: that is for the letter of the privacy officer."""
    coded = (Told(each.ground, each.reason if each.reason in PURPOSES else "") for each in group.grounds)
    return list(dict.fromkeys(told.words for told in coded))


def _is_about(share: Share, group: Group, shown: frozenset[str], links: Container[str]) -> bool:
    """Leave out what is about examinations that the record does not show: who looked at them would tell that there are any."""
    if group.studies:
        return not shown.isdisjoint(group.studies)
    if group.kind == "share":
        return group.actor in links
    return group.kind != "user" or share.department.label in group.departments
