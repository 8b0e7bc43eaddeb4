"""Who hears of a critical finding: over the page and by mail, and never of whom it is about."""

from collections.abc import Iterable
from typing import Final

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.actor import Actor
from accounts.models import User
from accounts.notifications import groups, kinds, services
from accounts.notifications.kinds import Kind
from imaging.reports.models import CriticalFinding


def _kind(name: str, label: Promise, title: Promise, text: Promise, *, urgent: bool) -> Kind:
    made = Kind(
        name=f"critical.{name}",
        group=groups.CRITICAL,
        label=label,
        title=title,
        text=text,
        urgent=urgent,
        keeps_mail=urgent,
    )
    return kinds.register(made)


RAISED: Final = _kind(
    "raised",
    _("A critical finding has to be acknowledged by me"),
    _("A critical finding has to be acknowledged"),
    _("A radiologist has found something that you have to know of now. Open it, and say that you know."),
    urgent=True,
)
REMINDED: Final = _kind(
    "reminded",
    _("A critical finding still has to be acknowledged"),
    _("A critical finding still has to be acknowledged"),
    _("Its time is over. Open it, and say that you know; otherwise it is passed on."),
    urgent=True,
)
ESCALATED: Final = _kind(
    "escalated",
    _("A critical finding was passed on to me"),
    _("A critical finding was passed on to you"),
    _("Who was to acknowledge it has not. Open it, see that somebody acts, and say that it is known."),
    urgent=True,
)
ACKNOWLEDGED: Final = _kind(
    "acknowledged",
    _("A critical finding that I raised was acknowledged"),
    _("A critical finding that you raised was acknowledged"),
    _("Who, when and with which words is told in the portal."),
    urgent=False,
)
UNHEARD: Final = _kind(
    "unheard",
    _("A critical finding that I raised is not acknowledged"),
    _("A critical finding that you raised is not acknowledged"),
    _("Its time is over. Call, and note whom you told: it stays open until somebody says that they know."),
    urgent=True,
)


def tell(people: Iterable[User], kind: Kind, finding: CriticalFinding, *, actor: Actor) -> int:
    """Tell these people. How many."""
    path = reverse("reports:critical", args=[finding.key])
    return services.notify(people, kind, path=path, actor=actor, subject=("critical", str(finding.key)))
