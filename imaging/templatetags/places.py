"""The places of the portal, as the bar, its menus and the palette offer them: one table, one order.

What is offered is a hint. Every view asks for itself whether the reader may be there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django import template
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.roles import Capability, Right
from accounts.scope import EMPTY, Scope
from imaging.templatetags.access import access_count
from imaging.templatetags.capabilities import held, quarantine_count
from imaging.templatetags.emergency import emergencies_waiting

register = template.Library()

#: Places that the bar itself shows to somebody who has more than ``_FEW``; the rest are in its menu.
_FIRST: Final = 5
_FEW: Final = 6
#: Places that the bar has room for in a narrow window.
_NARROW: Final = 3

_C = Capability


@dataclass(frozen=True, slots=True)
class _Place:
    """A page that many begin at: for whom, what else lies there, and how much waits."""

    name: str
    view: str
    label: str | Promise
    icon: str
    capabilities: frozenset[Capability] = frozenset()
    below: tuple[str, ...] = ()
    waiting: Callable[[dict[str, Any]], str] | None = None
    is_for_staff: bool = False
    is_for_sharers: bool = False
    is_for_readers: bool = False
    is_in_bar: bool = True


def _place(name: str, view: str, label: str | Promise, icon: str, *capabilities: Capability, **more: Any) -> _Place:
    return _Place(name, view, label, icon, frozenset(capabilities), **more)


#: In the order of a working day: to find and read, to ask and make, to bring in and put right, to watch over.
_PLACES: Final = (
    _place("list", "viewer:study-list", _("Studies"), "folder", below=("/studies/",)),
    _place(
        "reading", "reports:reading", _("Reading"), "report-medical", _C.WRITE_REPORT, below=("/reading/", "/reports/")
    ),
    _place("requests", "orders:requests", _("Requests"), "file-text", _C.REQUEST_EXAM, below=("/requests/",)),
    _place("vetting", "orders:vetting", _("Vetting"), "check", _C.VET_REQUEST, below=("/vetting/",)),
    _place("schedule", "orders:schedule", _("Schedule"), "calendar", _C.SCHEDULE_EXAM, below=("/schedule/",)),
    _place(
        "exams",
        "orders:exams",
        pgettext_lazy("a room's day", "Exams"),
        "users",
        _C.ACQUIRE,
        _C.SCHEDULE_EXAM,
        below=("/exams/",),
    ),
    _place("import", "ingest:uploads", _("Import"), "upload", _C.UPLOAD, below=("/import/",)),
    _place("inbox", "ingest:inbox", pgettext_lazy("images from outside", "Inbox"), "mail", _C.UPLOAD, is_in_bar=False),
    _place("wrap", "viewer:wrap", _("Add photo or document"), "plus", _C.UPLOAD, is_in_bar=False),
    _place(
        "shared",
        "sharing:mine",
        pgettext_lazy("place", "Shared"),
        "share",
        _C.APPROVE_ACCESS,
        _C.MANAGE_PRIVACY,
        below=("/shared/",),
        is_for_sharers=True,
    ),
    _place(
        "collections",
        "collections:mine",
        _("Collections"),
        "stack-2",
        _C.MAKE_COLLECTIONS,
        below=("/collections/",),
        is_for_readers=True,
    ),
    _place(
        "access-desk",
        "access:desk",
        _("Requests to decide"),
        "key",
        _C.APPROVE_ACCESS,
        waiting=access_count,
        below=("/access/requests/",),
    ),
    _place("access", "access:mine", _("My access requests"), "search", _C.REQUEST_ACCESS),
    _place("emergency", "access:emergency", _("Emergency access"), "shield-lock", _C.BREAK_GLASS, is_in_bar=False),
    _place(
        "quarantine",
        "ingest:quarantine",
        _("Quarantine"),
        "shield-lock",
        _C.RESOLVE_QUARANTINE,
        waiting=quarantine_count,
        below=("/quarantine/", "/conflicts/"),
    ),
    _place("reconcile", "orders:reconcile", _("Reconciliation"), "link", _C.RECONCILE, below=("/reconcile/",)),
    _place(
        "repairs",
        "ingest:repairs",
        _("What was put right"),
        "tool",
        _C.CORRECT_IDENTITY,
        _C.REJECT_IMAGES,
        below=("/repair/",),
    ),
    _place(
        "critical",
        "reports:critical-list",
        _("Critical findings"),
        "alert-triangle",
        _C.WRITE_REPORT,
        below=("/critical/",),
    ),
    _place("figures", "figures:figures", _("Figures"), "clock", _C.READ_FIGURES),
    _place(
        "emergency-reviews",
        "access:emergency-reviews",
        _("Emergency accesses"),
        "shield-check",
        _C.REVIEW_BREAK_GLASS,
        waiting=emergencies_waiting,
    ),
    _place("privacy", "privacy:home", _("Privacy"), "eye", _C.MANAGE_PRIVACY, _C.READ_AUDIT, below=("/privacy/",)),
    _place(
        "corrections", "privacy:corrections", _("Corrections asked for"), "tool", _C.CORRECT_IDENTITY, is_in_bar=False
    ),
    _place("admin", "admin:index", _("Administration"), "settings", is_for_staff=True),
)


@dataclass(frozen=True, slots=True)
class Offered:
    """A place as one reader is offered it on one page; ``current`` is the value of ``aria-current``, or empty."""

    name: str
    address: str
    label: str | Promise
    icon: str
    current: str
    waiting: str
    is_in_bar: bool


@dataclass(frozen=True, slots=True)
class Places:
    """What a reader is offered: all of it, and how the bar divides it."""

    all: tuple[Offered, ...]
    first: tuple[Offered, ...]
    rest: tuple[Offered, ...]

    @property
    def hidden_when_narrow(self) -> tuple[Offered, ...]:
        """The places of the bar for which a narrow window has no room: the stylesheet counts as we do."""
        return self.first[_NARROW:]

    @property
    def has_menu(self) -> bool:
        """Whether there is anything for the menu to show, in a window of any width."""
        return bool(self.rest or self.hidden_when_narrow)

    @property
    def is_current_in_rest(self) -> bool:
        """Whether the page lies in a place that only the menu shows."""
        return any(place.current for place in self.rest)

    @property
    def waits_in_rest(self) -> bool:
        """Whether something waits in a place that only the menu shows."""
        return any(place.waiting for place in self.rest)


@register.simple_tag(takes_context=True)
def places(context: dict[str, Any]) -> Places:
    """Return what the reader is offered: asked once per request."""
    request = context["request"]
    known: Places | None = getattr(request, "places", None)
    if known is None:
        capabilities = held(context).keys()
        is_staff = request.user.is_staff
        # The page of a refusal may be shown before anybody was asked what the reader sees.
        scope: Scope = getattr(request, "scope", EMPTY)
        offered = tuple(
            _offered(place, context)
            for place in _PLACES
            if (is_staff if place.is_for_staff else not place.capabilities or place.capabilities & capabilities)
            or (place.is_for_sharers and scope.departments_with(Right.SHARE))
            or (place.is_for_readers and scope.departments_with(Right.VIEW))
        )
        shown = tuple(place for place in offered if place.is_in_bar)
        inline = len(shown) if len(shown) <= _FEW else _FIRST
        known = request.places = Places(offered, shown[:inline], shown[inline:])
    return known


def _offered(place: _Place, context: dict[str, Any]) -> Offered:
    address, path = reverse(place.view), context["request"].path
    current = "page" if path == address else "true" if path.startswith(place.below) else ""
    waiting = place.waiting(context) if place.waiting else ""
    return Offered(place.name, address, place.label, place.icon, current, waiting, place.is_in_bar)
