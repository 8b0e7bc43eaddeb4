"""What people are told of their own account: who did not do this learns of it, by mail too, whatever they prefer."""

from typing import Final

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.actor import Actor
from accounts.models import User
from accounts.notifications import groups, kinds, services
from accounts.notifications.kinds import Kind


def _own(name: str, label: Promise, title: Promise, text: Promise) -> Kind:
    made = Kind(name=name, group=groups.ACCOUNT, label=label, title=title, text=text, keeps_mail=True, to_actor=True)
    return kinds.register(made)


_IF_NOT_YOU = _("If this was not you, tell your administrator at once.")
FACTOR_ADDED: Final = _own(
    "account.factor_added",
    _("A way to sign in was added"),
    _("A way to sign in was added to your account"),
    _IF_NOT_YOU,
)
FACTOR_REMOVED: Final = _own(
    "account.factor_removed",
    _("A way to sign in was removed"),
    _("A way to sign in was removed from your account"),
    _IF_NOT_YOU,
)
FACTORS_REMOVED: Final = _own(
    "account.factors_removed",
    _("All ways to sign in but the password were removed"),
    _("All ways to sign in but the password were removed from your account"),
    _IF_NOT_YOU,
)
LINK_MADE: Final = _own(
    "account.link_made",
    _("A link to choose a new password was made"),
    _("A link to choose a new password for your account was made"),
    _("Your administrator hands it to you. If you did not ask for it, tell them at once."),
)


def tell(user: User, kind: Kind, *, actor: Actor) -> None:
    """Tell a person what became of their account, in the transaction that changed it."""
    services.notify([user], kind, path=reverse("accounts:security"), subject=("user", str(user.pk)), actor=actor)
