"""What privacy officers and administrators are told of sealed accounts, by mail too, whatever they prefer."""

from collections.abc import Iterable
from typing import Final

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.actor import SYSTEM
from accounts.models import SealedOpening, User
from accounts.notifications import groups, kinds, services
from accounts.notifications.kinds import Kind, Told
from accounts.roles import Capability


def _opened_text(told: Told) -> str:
    said = _("%(account)s was opened. The name given is %(name)s. It closes by itself; seal it again afterwards.")
    return said % {"account": told["account"], "name": told["name"]}


def _old_title(told: Told) -> str:
    return ngettext(
        "The seal of %(count)d emergency account ends soon",
        "The seals of %(count)d emergency accounts end soon",
        told["seals"],
    ) % {"count": told["seals"]}


OPENED: Final = kinds.register(
    Kind(
        name="sealed.opened",
        group=groups.OPERATION,
        label=gettext_lazy("A sealed emergency account was opened"),
        title=gettext_lazy("A sealed emergency account was opened"),
        text=_opened_text,
        takes=frozenset({"account", "name"}),
        capability=Capability.REVIEW_BREAK_GLASS,
        keeps_mail=True,
    )
)
OLD: Final = kinds.register(
    Kind(
        name="sealed.old",
        group=groups.OPERATION,
        label=gettext_lazy("The seal of an emergency account ends soon"),
        title=_old_title,
        text=gettext_lazy("An envelope whose seal has ended opens nothing. Seal the account again."),
        takes=frozenset({"seals"}),
        capability=Capability.REVIEW_BREAK_GLASS,
    )
)


def tell_opened(opening: SealedOpening, people: Iterable[User]) -> int:
    """Tell who is to know that an envelope was opened, and by whom as they said. How many."""
    return services.notify(
        people,
        OPENED,
        path=_page(),
        subject=("sealed_opening", str(opening.pk)),
        params={"account": opening.account.user.label[:150], "name": opening.said_name[:150]},
        actor=SYSTEM,
    )


def tell_old(count: int, people: Iterable[User]) -> int:
    """Remind of seals that end soon. How many are reminded."""
    return services.notify(
        people, OLD, path=_page(), subject=("sealed_account", ""), params={"seals": count}, actor=SYSTEM
    )


def _page() -> str:
    return reverse("admin:accounts_sealedaccount_changelist")
