"""Who hears of what became of a request: by mail, in their own language, and never of whom it is about."""

from collections.abc import Callable, Iterable
from enum import StrEnum
from functools import partial
from typing import Final

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import notices
from accounts import selectors as accounts
from accounts.models import User
from accounts.roles import Capability
from imaging.access.requests import selectors
from imaging.access.requests.models import AccessRequest, RequestedStudy
from imaging.events import jobs
from imaging.events.jobs import Ask

#: The step that sends what was queued (``pipeline.reactions``). subject: a request's key and what happened
TELL_STEP: Final = "tell of an access request"


class Kind(StrEnum):
    """What happened."""

    ASKED = "asked"
    DECIDED = "decided"
    ASKED_BACK = "asked_back"
    ANSWERED = "answered"
    REVOKED = "revoked"
    ENDING = "ending"
    REMINDED = "reminded"
    ESCALATED = "escalated"
    UNANSWERED = "unanswered"


#: Told to those who decide; all others to who asked.
_TO_APPROVERS: Final = frozenset({Kind.ASKED, Kind.ANSWERED, Kind.REMINDED, Kind.ESCALATED})


def queue(request: AccessRequest, kind: Kind) -> None:
    """Tell of it once the transaction is over: by a job of its own, so that nobody waits for a mail server."""
    jobs.enqueue([Ask(TELL_STEP, f"{request.pk}:{kind}")])


def tell(subject: str) -> int:
    """Write to whom it concerns, as things stand now. How many mails."""
    key, _colon, name = subject.partition(":")
    kind = Kind(name)
    request = AccessRequest.objects.select_related("requester").filter(pk=int(key)).first()
    if request is None:
        return 0
    if kind not in _TO_APPROVERS:
        return _write([request.requester], kind, _address(request))
    if request.state != AccessRequest.State.WAITING:
        return 0
    people = _deciding(request)
    if people:
        return _write(people, kind, _address(request))
    # Nobody may decide: those who can name a deputy hear of it, without a word of who asks about whom.
    return notices.notify(
        accounts.people_capable(Capability.MANAGE_PORTAL), subject=_unreached_subject, text=_unreached_text
    )


def _deciding(request: AccessRequest) -> list[User]:
    waiting = request.studies.filter(state=RequestedStudy.State.WAITING).select_related("study", "request")
    people = {person.pk: person for item in waiting for person in selectors.approvers_of(item)}
    return [people[pk] for pk in sorted(people)]


def _address(request: AccessRequest) -> str:
    return f"{settings.PUBLIC_URL}{reverse('access:request', args=[request.pk])}"


def _write(people: Iterable[User], kind: Kind, address: str) -> int:
    subject, text = _WORDS[kind]
    return notices.notify(people, subject=subject, text=partial(_with_address, text, address))


def _with_address(text: Callable[[], str], address: str) -> str:
    return f"{text()}\n\n{address}\n"


def _unreached_subject() -> str:
    return _("Nobody can decide about an access request")


def _unreached_text() -> str:
    address = f"{settings.PUBLIC_URL}{reverse('admin:imaging_accesspolicy_changelist')}"
    told = _(
        "Somebody asks for access to studies of a department in which nobody may approve requests. "
        "Name a deputy department in the access policies, or give somebody there the role of manager."
    )
    return f"{told}\n\n{address}\n"


_WORDS: Final[dict[Kind, tuple[Callable[[], str], Callable[[], str]]]] = {
    Kind.ASKED: (
        lambda: _("Somebody asks for access to studies of your department"),
        lambda: _("A colleague asks for access. Who, why and to what is told in the portal."),
    ),
    Kind.ANSWERED: (
        lambda: _("Your question about an access request was answered"),
        lambda: _("Who asks for access has answered. The request waits for a decision."),
    ),
    Kind.REMINDED: (
        lambda: _("An access request still waits"),
        lambda: _("Nobody has decided about it yet. Without an answer it will be closed or passed on."),
    ),
    Kind.ESCALATED: (
        lambda: _("An access request was passed on to you"),
        lambda: _("The department itself has not answered in time. You may decide in its place."),
    ),
    Kind.DECIDED: (
        lambda: _("Your access request was decided"),
        lambda: _("The decision stands in the portal. What was granted is in your study list now."),
    ),
    Kind.ASKED_BACK: (
        lambda: _("A question about your access request"),
        lambda: _("Who decides about it asks something. It goes on when you have answered."),
    ),
    Kind.REVOKED: (
        lambda: _("Access that you were granted has ended"),
        lambda: _("The department has ended it. The reason stands in the portal."),
    ),
    Kind.ENDING: (
        lambda: _("Access that you were granted ends soon"),
        lambda: _("It ends within a day. If you need it for longer, ask for more before it ends."),
    ),
    Kind.UNANSWERED: (
        lambda: _("Your access request was closed without an answer"),
        lambda: _("Nobody decided about it in time. Ask again, or call the department if it cannot wait."),
    ),
}
