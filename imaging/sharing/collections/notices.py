"""What members of collections hear: in the page and by mail, as each prefers; never a patient's name, never a comment's words."""

from collections.abc import Iterable
from typing import Final

from django.utils.translation import gettext_lazy as _

from accounts.actor import Actor
from accounts.models import User
from accounts.notifications import groups, kinds, services
from accounts.notifications.kinds import Kind
from imaging.sharing.models import Collection

INVITED: Final = kinds.register(
    Kind(
        name="collection.invited",
        group=groups.SHARING,
        label=_("I was made a member of a collection"),
        title=_("You are a member of a collection of studies"),
        text=_("A colleague lets you look at its studies. Which they are, and what you may do, stands in the portal."),
    )
)
MENTIONED: Final = kinds.register(
    Kind(
        name="collection.mentioned",
        group=groups.SHARING,
        label=_("I was named in a comment of a collection"),
        title=_("A colleague named you in a comment"),
        text=_(
            "The comment stands in a collection of which you are a member. Open it in the portal to read and answer."
        ),
    )
)


def tell_invited(collection: Collection, user: User, *, actor: Actor) -> int:
    """Tell somebody that they are a member, in the transaction that made them one. How many people."""
    return _tell([user], INVITED, collection, actor)


def tell_mentioned(collection: Collection, people: Iterable[User], *, actor: Actor) -> int:
    """Tell those whom a comment names, in the transaction in which it was written. How many people."""
    return _tell(people, MENTIONED, collection, actor)


def _tell(people: Iterable[User], kind: Kind, collection: Collection, actor: Actor) -> int:
    path = f"/collections/{collection.key}/"
    return services.notify(people, kind, path=path, subject=("collection", collection.key), actor=actor)
