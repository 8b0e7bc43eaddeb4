"""Every system that the portal speaks with on one page: when it was last heard, how much, what went wrong, and a test of it.

Figures are of the last hour and day and never name a patient. Whoever may not open the list of a kind is not shown its lines.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_safe

from accounts.admin_rooms import Room
from accounts.admin_site import Page, PortalAdminSite
from imaging.ehr import traffic
from imaging.ehr.models import HealthRecord, Hl7Destination, Hl7Message, Hl7Notice, Hl7Peer
from imaging.ehr.sending import selectors as sending
from imaging.ehr.sending import words
from imaging.ingest.models import ApplicationEntity
from imaging.webhooks.models import Webhook

TITLE: Final = gettext_lazy("Integration desk")


class Verdict(NamedTuple):
    """How it stands with a system: ok, warn, bad or off, and why in words."""

    state: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One system. ``trial`` is the action of its list that tests it."""

    key: int
    name: str
    verdict: Verdict
    address: str
    last_at: dt.datetime | None = None
    hour: int | None = None
    day: int | None = None
    messages: str = ""
    trial: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """The systems of one kind, and the list that they are rows of."""

    title: str | Promise
    list_address: str
    lines: list[Line]


def senders() -> list[Line]:
    """Systems that send HL7."""
    told = traffic.received()
    return [
        Line(
            key=row.pk,
            name=row.name,
            verdict=_judged(row.is_active, told.get(row.pk, traffic.NONE).for_a_person, ""),
            address=_change("hl7peer", row.pk),
            last_at=row.last_seen_at,
            hour=told.get(row.pk, traffic.NONE).hour,
            day=told.get(row.pk, traffic.NONE).day,
            messages=_list("hl7message", peer__id__exact=row.pk, state__exact=Hl7Message.State.FAILED)
            if told.get(row.pk, traffic.NONE).for_a_person
            else _list("hl7message", peer__id__exact=row.pk),
        )
        for row in Hl7Peer.objects.order_by("name")
    ]


def receivers() -> list[Line]:
    """Systems that are told by HL7."""
    told = traffic.sent()
    lines = []
    for row in Hl7Destination.objects.order_by("name"):
        found = told.get(row.pk, traffic.NONE)
        trouble = words.problem(row.problem) if row.failing_since else ""
        state = Hl7Notice.State.REFUSED if found.for_a_person else ""
        lines.append(
            Line(
                key=row.pk,
                name=row.name,
                verdict=_judged(row.is_active, found.for_a_person, trouble, sending.owed(row).count()),
                address=_change("hl7destination", row.pk),
                last_at=row.last_taken_at,
                hour=found.hour,
                day=found.day,
                messages=_list(
                    "hl7notice", destination__id__exact=row.pk, **({"state__exact": state} if state else {})
                ),
                trial="try_connection",
            )
        )
    return lines


def records() -> list[Line]:
    """Health records that launch, are read, or vouch for programs."""
    lines = []
    for row in HealthRecord.objects.select_related("provider").order_by("name"):
        does = [
            *([_("opens images")] if row.provider_id else []),
            *([_("is read beside images")] if row.access != HealthRecord.Access.NONE else []),
            *([_("its tokens open images")] if row.accepts_tokens else []),
        ]
        verdict = Verdict("ok" if row.is_active else "off", ", ".join(does) or _("does nothing yet"))
        lines.append(
            Line(key=row.pk, name=row.name, verdict=verdict, address=_change("healthrecord", row.pk), trial="try_it")
        )
    return lines


def devices() -> list[Line]:
    """Machines on the DICOM network."""
    lines = []
    for row in ApplicationEntity.objects.order_by("ae_title"):
        silent = _("It has fallen silent.") if row.silent_since else ""
        name = f"{row.ae_title}, {row.description}" if row.description else row.ae_title
        lines.append(
            Line(
                key=row.pk,
                name=name,
                verdict=_judged(row.is_active, 0, silent),
                address=_change("applicationentity", row.pk),
                last_at=row.last_seen_at,
                trial="test_connections",
            )
        )
    return lines


def webhooks() -> list[Line]:
    """Addresses that changes are pushed to."""
    return [
        Line(
            key=row.pk,
            name=row.description or row.address,
            verdict=_judged(row.is_active, 0, _("It takes nothing.") if row.failures else ""),
            address=_change("webhook", row.pk),
            messages=_list("webhookattempt", webhook__id__exact=row.pk),
            trial="test",
        )
        for row in Webhook.objects.order_by("address")
    ]


#: Kind, the table that has to be open to the reader, and its lines.
_GROUPS: Final[tuple[tuple[str | Promise, str, Callable[[], list[Line]]], ...]] = (
    (gettext_lazy("Systems that send HL7"), "hl7peer", senders),
    (gettext_lazy("Systems that are told by HL7"), "hl7destination", receivers),
    (gettext_lazy("Health records"), "healthrecord", records),
    (gettext_lazy("Machines on the DICOM network"), "applicationentity", devices),
    (gettext_lazy("Webhooks"), "webhook", webhooks),
)


def may_open(request: HttpRequest) -> bool:
    """Whether any of the lists may be opened."""
    return any(_may_see(request, table) for _title, table, _lines in _GROUPS)


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Show the systems by kind."""
    if not may_open(request):
        raise PermissionDenied
    groups = [Group(title, _list(table), lines()) for title, table, lines in _GROUPS if _may_see(request, table)]
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": TITLE,
        "groups": groups,
        "asked_at": timezone.now(),
    }
    return render(request, "admin/imaging/integration/page.html", context)


def _may_see(request: HttpRequest, table: str) -> bool:
    return request.user.has_perm(f"imaging.view_{table}")


def _judged(is_active: bool, for_a_person: int, trouble: str, waiting: int = 0) -> Verdict:
    """The state of a line, and why in words: what waits for a person weighs most."""
    if not is_active:
        return Verdict("off", _("switched off"))
    if for_a_person:
        said = ngettext("%(count)d message waits for a person.", "%(count)d messages wait for a person.", for_a_person)
        return Verdict("bad", said % {"count": for_a_person})
    if trouble:
        owed = ngettext("%(count)d message waits.", "%(count)d messages wait.", waiting) % {"count": waiting}
        return Verdict("warn", f"{trouble} {owed}" if waiting else trouble)
    return Verdict("ok", _("in order"))


def _list(table: str, **asked: Any) -> str:
    address = reverse(f"admin:imaging_{table}_changelist")
    return f"{address}?{urlencode(asked)}" if asked else address


def _change(table: str, key: int) -> str:
    return reverse(f"admin:imaging_{table}_change", args=[key])


if isinstance(admin.site, PortalAdminSite):
    admin.site.add_page(Page("integration/", "integration", TITLE, Room.MACHINES, page, may_open))
