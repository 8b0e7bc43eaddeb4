"""What whoever shares hears of it: in the page and by mail, and never of whom it is about."""

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import selectors as accounts
from accounts.actor import SYSTEM
from accounts.models import User
from accounts.notifications import groups, kinds, services
from accounts.notifications.kinds import Kind
from accounts.roles import Capability
from imaging.sharing.models import CollectionItem, CopiedStudy, Share


def _kind(name: str, label: Promise, title: Promise, text: Promise, *, who: Capability | None = None) -> Kind:
    made = Kind(name=f"share.{name}", group=groups.SHARING, label=label, title=title, text=text, capability=who)
    return kinds.register(made)


FIRST_OPENED: Final = _kind(
    "first_opened",
    _("Images that I shared were opened for the first time"),
    _("Images that you shared were opened for the first time"),
    _("When, and by which device, stands in the portal. If it was not whom you meant, revoke the share there."),
)
WRONG: Final = _kind(
    "wrong",
    _("Somebody gave a wrong code for images that I shared"),
    _("Somebody gave a wrong code for images that you shared"),
    _("After too many wrong codes the link stops working for good. If this is not your recipient, revoke it now."),
)
LOCKED: Final = _kind(
    "locked",
    _("A link of mine was locked after wrong codes"),
    _("A link of yours was locked after wrong codes"),
    _("Nobody can open it any more. Share the images again if your recipient still needs them."),
)
FULL: Final = _kind(
    "full",
    _("A link of mine was opened as often as it may be"),
    _("A link of yours was opened as often as it may be"),
    _("It was tried once more and refused. Allow more opens in the portal if that is right."),
)
ENDING: Final = _kind(
    "ending",
    _("Images that I shared will soon be closed"),
    _("Images that you shared will soon be closed"),
    _("The link ends within two days. Extend it in the portal if it is still needed."),
)
STOPPED: Final = _kind(
    "stopped",
    _("Images that I shared are not shown any more"),
    _("Images that you shared are not shown any more"),
    _("The study was corrected, moved or protected since you shared it. The portal tells what is still open."),
)
NOT_SENT: Final = _kind(
    "not_sent",
    _("A link of mine could not be sent"),
    _("A link of yours could not be sent"),
    _("The address does not take it. Revoke it and share again, or make a new link and hand it over yourself."),
)
DECIDED: Final = _kind(
    "decided",
    _("A second person decided about images that I share"),
    _("A second person decided about images that you share"),
    _("The decision stands in the portal, with the way to hand the link over where it could not be sent."),
)
ASKED: Final = _kind(
    "asked",
    _("A recipient of my images asks for earlier ones"),
    _("A recipient of your images asks for earlier ones"),
    _(
        "What they wrote stands in the portal. The link stays as it is: share the earlier study with them if it is right."
    ),
)
TO_LOOK_AT: Final = _kind(
    "to_look_at",
    _("Images that I give out without identity must be looked at"),
    _("Images that you give out without identity must be looked at"),
    _(
        "Words were found in their pixels, or their kind often has some. Nothing of them goes out before you have looked."
    ),
)
PREPARED: Final = _kind(
    "prepared",
    _("Images that I share without identity are ready"),
    _("Images that you share without identity are ready"),
    _("The link opens now. Where it was to be sent, it is on its way."),
)
NOT_PREPARED: Final = _kind(
    "not_prepared",
    _("Images that I share cannot be given without identity"),
    _("Images that you share cannot be given without identity"),
    _(
        "No copy could be made that surely names nobody, or all of it was left out. Nothing was shared; why is told in the portal."
    ),
)
REVOKED: Final = _kind(
    "revoked",
    _("Somebody else revoked a link of mine"),
    _("Somebody else revoked a link of yours"),
    _("It opens nothing any more. Who revoked it, and why, stands in the portal."),
)
WAITING: Final = _kind(
    "waiting",
    _("A share waits for my agreement"),
    _("A share waits for your agreement"),
    _("A colleague shares images with somebody outside. What, with whom and why is told in the portal."),
    who=Capability.APPROVE_ACCESS,
)


def tell_owner(share: Share, kind: Kind) -> int:
    """Tell whoever shares, in the transaction in which it happened. How many people."""
    return _tell([share.created_by], share, kind)


def tell_to_look(copied: CopiedStudy) -> int:
    """Tell whoever asked for copies that some of them must be looked at: of a collection, who put the study there."""
    path = f"/shared/copies/{copied.key}/"
    items = CollectionItem.objects.present().filter(
        collection__deidentification=copied.deidentification_id, study=copied.source_id
    )
    people = [item.added_by for item in items.select_related("added_by")] or [copied.deidentification.made_by]
    return services.notify(people, TO_LOOK_AT, path=path, subject=("copy", copied.key), actor=SYSTEM)


def tell_approvers(share: Share) -> int:
    """Tell those who may allow a share of this department; whoever made it is none of them."""
    people = accounts.people_capable(Capability.APPROVE_ACCESS, department_ids=[share.department_id])
    return _tell([person for person in people if person.pk != share.created_by_id], share, WAITING)


def _tell(people: list[User], share: Share, kind: Kind) -> int:
    # Written out: below a share's own address, where most of this happens, every other address would begin with it.
    path = f"/shared/{share.key}/"
    return services.notify(people, kind, path=path, subject=("share", share.key), actor=SYSTEM)
