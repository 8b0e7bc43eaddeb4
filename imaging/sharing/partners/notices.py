"""What whoever sends to a partner hears of it."""

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import selectors as accounts
from accounts.actor import SYSTEM
from accounts.models import User
from accounts.notifications import groups, kinds, services
from accounts.notifications.kinds import Kind
from accounts.roles import Capability
from imaging.sharing.models import PartnerTransfer


def _kind(name: str, label: Promise, title: Promise, text: Promise, *, who: Capability | None = None) -> Kind:
    made = Kind(name=f"transfer.{name}", group=groups.SHARING, label=label, title=title, text=text, capability=who)
    return kinds.register(made)


FAILED: Final = _kind(
    "failed",
    _("Images that I sent to a partner archive did not arrive, or not all of them"),
    _("Images that you sent to a partner archive did not arrive, or not all of them"),
    _("What went and what did not, and why, stands in the portal. Try again from there: only what is missing is sent."),
)
STOPPED: Final = _kind(
    "stopped",
    _("Sending of mine to a partner archive was stopped"),
    _("Sending of yours to a partner archive was stopped"),
    _("Somebody stopped it, or the images may not be passed on any more. The portal tells what had arrived by then."),
)
DECIDED: Final = _kind(
    "decided",
    _("A second person decided about images that I send to a partner archive"),
    _("A second person decided about images that you send to a partner archive"),
    _("The decision stands in the portal."),
)
WAITING: Final = _kind(
    "waiting",
    _("Sending to a partner archive waits for my agreement"),
    _("Sending to a partner archive waits for your agreement"),
    _("A colleague wants to send images to another archive. What, where and why is told in the portal."),
    who=Capability.APPROVE_ACCESS,
)


def tell_sender(transfer: PartnerTransfer, kind: Kind) -> int:
    """Tell whoever sends, in the transaction in which it happened. How many people."""
    return _tell([transfer.created_by], transfer, kind)


def tell_approvers(transfer: PartnerTransfer) -> int:
    """Tell those who may allow it in this department; whoever asked is none of them."""
    people = accounts.people_capable(Capability.APPROVE_ACCESS, department_ids=[transfer.department_id])
    return _tell([person for person in people if person.pk != transfer.created_by_id], transfer, WAITING)


def _tell(people: list[User], transfer: PartnerTransfer, kind: Kind) -> int:
    path = f"/shared/partners/{transfer.key}/"
    return services.notify(people, kind, path=path, subject=("transfer", transfer.key), actor=SYSTEM)
