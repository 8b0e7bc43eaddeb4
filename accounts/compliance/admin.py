"""The compliance page of the admin: what was promised, and what was found a moment ago."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts import audit, selectors
from accounts.actor import Actor
from accounts.admin_rooms import Room
from accounts.admin_site import Page, PortalAdminSite
from accounts.audit import Action
from accounts.compliance import audit_checks, browser_checks, people_checks
from accounts.compliance.registry import Area, Level, Result, results
from accounts.middleware import actor_of
from accounts.roles import Capability, Door

__all__ = ["audit_checks", "browser_checks", "people_checks"]

TITLE = gettext_lazy("Compliance of this portal")


def may_open(request: HttpRequest) -> bool:
    """Whether somebody looks after the portal's settings: by role, or as an account above every right."""
    user = request.user
    return bool(user.is_active and user.is_superuser) or selectors.is_capable(user, Capability.MANAGE_PORTAL)


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Ask everything, and show the answers by area."""
    if not may_open(request):
        raise PermissionDenied
    found = results()
    record(actor_of(request, Door.PAGE), found)
    context = {
        **admin.site.each_context(request),
        "title": TITLE,
        "counts": [(level, sum(entry.answer.level == level for entry in found)) for level in Level],
        "areas": list(_by_area(found)),
        "asked_at": timezone.now(),
        "notice": _(
            "It tells how the portal is set up, and what its database allows. Rules for people are the hospital's."
        ),
    }
    return render(request, "admin/accounts/compliance/page.html", context)


def record(actor: Actor, found: list[Result]) -> None:
    """Put on record that somebody asked, and what was not as it should be."""
    wrong = [entry.check.id for entry in found if entry.answer.level == Level.NOT_MET]
    audit.record(Action.COMPLIANCE_READ, actor=actor, subject_type="compliance", detail={"not_met": wrong})


def _by_area(found: list[Result]) -> Iterable[tuple[Area, list[Any]]]:
    for area in Area:
        if of_area := [entry for entry in found if entry.check.area == area]:
            yield area, of_area


if isinstance(admin.site, PortalAdminSite):
    admin.site.add_page(Page("compliance/", "compliance", TITLE, Room.AUDIT, page, may_open))
