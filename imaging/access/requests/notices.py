"""Who hears of what became of a request: in the page and by mail, and never of whom it is about."""

from typing import Final

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import selectors as accounts
from accounts.actor import SYSTEM
from accounts.models import User
from accounts.notifications import groups, kinds, services
from accounts.notifications.kinds import Kind
from accounts.roles import Capability
from imaging.access.requests import selectors
from imaging.access.requests.models import AccessRequest, RequestedStudy


def _kind(name: str, label: Promise, title: Promise, text: Promise, *, who: Capability) -> Kind:
    made = Kind(name=f"access.{name}", group=groups.ACCESS, label=label, title=title, text=text, capability=who)
    return kinds.register(made)


ASKED: Final = _kind(
    "asked",
    _("Somebody asks for access to studies that I decide about"),
    _("Somebody asks for access to studies of your department"),
    _("A colleague asks for access. Who, why and to what is told in the portal."),
    who=Capability.APPROVE_ACCESS,
)
ANSWERED: Final = _kind(
    "answered",
    _("My question about an access request was answered"),
    _("Your question about an access request was answered"),
    _("Who asks for access has answered. The request waits for a decision."),
    who=Capability.APPROVE_ACCESS,
)
REMINDED: Final = _kind(
    "reminded",
    _("An access request still waits for me"),
    _("An access request still waits"),
    _("Nobody has decided about it yet. Without an answer it will be closed or passed on."),
    who=Capability.APPROVE_ACCESS,
)
ESCALATED: Final = _kind(
    "escalated",
    _("An access request was passed on to me"),
    _("An access request was passed on to you"),
    _("The department itself has not answered in time. You may decide in its place."),
    who=Capability.APPROVE_ACCESS,
)
DECIDED: Final = _kind(
    "decided",
    _("My access request was decided"),
    _("Your access request was decided"),
    _("The decision stands in the portal. What was granted is in your study list now."),
    who=Capability.REQUEST_ACCESS,
)
ASKED_BACK: Final = _kind(
    "asked_back",
    _("A question about my access request"),
    _("A question about your access request"),
    _("Who decides about it asks something. It goes on when you have answered."),
    who=Capability.REQUEST_ACCESS,
)
REVOKED: Final = _kind(
    "revoked",
    _("Access that I was granted has ended"),
    _("Access that you were granted has ended"),
    _("The department has ended it. The reason stands in the portal."),
    who=Capability.REQUEST_ACCESS,
)
ENDING: Final = _kind(
    "ending",
    _("Access that I was granted ends soon"),
    _("Access that you were granted ends soon"),
    _("It ends within a day. If you need it for longer, ask for more before it ends."),
    who=Capability.REQUEST_ACCESS,
)
UNANSWERED: Final = _kind(
    "unanswered",
    _("My access request was closed without an answer"),
    _("Your access request was closed without an answer"),
    _("Nobody decided about it in time. Ask again, or call the department if it cannot wait."),
    who=Capability.REQUEST_ACCESS,
)
UNREACHED: Final = _kind(
    "unreached",
    _("Nobody can decide about an access request"),
    _("Nobody can decide about an access request"),
    _(
        "Somebody asks for access to studies of a department in which nobody may approve requests. "
        "Name a deputy department in the access policies, or give somebody there the role of manager."
    ),
    who=Capability.MANAGE_PORTAL,
)

#: Told to those who decide; all others to who asked.
_TO_APPROVERS: Final = frozenset(kind.name for kind in (ASKED, ANSWERED, REMINDED, ESCALATED))


def tell(request: AccessRequest, kind: Kind) -> int:
    """Tell whom it concerns, as things stand now, in the transaction in which it happened. How many people.

    None of them did it: who decides never asks, and the other way round.
    """
    if kind.name not in _TO_APPROVERS:
        return _tell([request.requester], kind, request)
    if request.state != AccessRequest.State.WAITING:
        return 0
    people = _deciding(request)
    if people:
        return _tell(people, kind, request)
    # Nobody may decide: those who can name a deputy hear of it, without a word of who asks about whom.
    return services.notify(
        accounts.people_capable(Capability.MANAGE_PORTAL),
        UNREACHED,
        path=reverse("admin:imaging_accesspolicy_changelist"),
        subject=("access_request", str(request.pk)),
        actor=SYSTEM,
    )


def _tell(people: list[User], kind: Kind, request: AccessRequest) -> int:
    path = reverse("access:request", args=[request.pk])
    return services.notify(people, kind, path=path, subject=("access_request", str(request.pk)), actor=SYSTEM)


def _deciding(request: AccessRequest) -> list[User]:
    waiting = request.studies.filter(state=RequestedStudy.State.WAITING).select_related("study", "request")
    people = {person.pk: person for item in waiting for person in selectors.approvers_of(item)}
    return [people[pk] for pk in sorted(people)]
