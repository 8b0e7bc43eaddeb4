"""What may be erased on request (GDPR, article 17): a registry that each package adds its own to, and what accounts hold.

Packages that keep something of a person beyond the care record and the audit say here how much it is and how it goes.
The record of care and the audit are never entered: the law keeps them (article 17(3)).
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db.models import Model
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.actor import Actor
from accounts.models import FederatedIdentity, User

#: How an account is called once the person is forgotten: it still stands behind what it did.
FORMER: Final = "former-"


class About(StrEnum):
    """Whose data it is."""

    ACCOUNT = "account"
    PATIENT = "patient"


@dataclass(frozen=True, slots=True)
class Erasable:
    """One kind of data. ``count`` says how many rows of a person there are, ``erase`` takes them away and says how many.

    Both get the account or the patient's row; ``erase`` is called inside a transaction and puts nothing on record itself.
    """

    key: str
    label: str | Promise
    about: About
    count: Callable[[Model], int]
    erase: Callable[[Model, Actor], int]


_REGISTRY: Final[dict[str, Erasable]] = {}


def register(*entries: Erasable) -> None:
    """Add kinds of data; a key is one package's, and registering it again replaces it."""
    _REGISTRY.update({entry.key: entry for entry in entries})


def about(kind: About) -> list[Erasable]:
    """What may be erased of such a person, in the order in which it was registered."""
    return [entry for entry in _REGISTRY.values() if entry.about is kind]


def _of(subject: Model) -> User:
    if not isinstance(subject, User):
        raise TypeError("an account is needed")
    return subject


def _profile_count(subject: Model) -> int:
    user = _of(subject)
    return int(not user.username.startswith(FORMER) or bool(user.email or user.first_name or user.last_name))


def _forget_profile(subject: Model, actor: Actor) -> int:
    user = _of(subject)
    user.username, user.display_name = f"{FORMER}{user.pk}", ""
    user.first_name = user.last_name = user.email = ""
    user.set_unusable_password()
    user.session_epoch += 1
    user.save()
    EmailAddress.objects.filter(user=user).delete()
    audit.record(
        audit.Action.USER_CHANGED,
        actor=actor,
        subject_type="user",
        subject_uid=str(user.pk),
        detail={"forgotten": True},
    )
    return 1


def _factors_count(subject: Model) -> int:
    user = _of(subject)
    return int(Authenticator.objects.filter(user=user).count()) + FederatedIdentity.objects.filter(user=user).count()


def _forget_factors(subject: Model, _actor: Actor) -> int:
    user = _of(subject)
    gone = int(Authenticator.objects.filter(user=user).delete()[0])
    return gone + FederatedIdentity.objects.filter(user=user).delete()[0]


def _sessions_count(subject: Model) -> int:
    return int(UserSession.objects.filter(user=_of(subject)).count())


def _forget_sessions(subject: Model, _actor: Actor) -> int:
    return int(UserSession.objects.filter(user=_of(subject)).delete()[0])


register(
    Erasable(
        "account.sessions", _("Sessions: addresses and browsers"), About.ACCOUNT, _sessions_count, _forget_sessions
    ),
    Erasable(
        "account.factors", _("Passkeys, codes and linked identities"), About.ACCOUNT, _factors_count, _forget_factors
    ),
    Erasable(
        "account.profile", _("Name, account name, e-mail and password"), About.ACCOUNT, _profile_count, _forget_profile
    ),
)
