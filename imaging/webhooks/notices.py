"""What those who manage machines are told of webhooks."""

from typing import Final

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import selectors as accounts
from accounts.actor import SYSTEM
from accounts.notifications import groups, kinds, services
from accounts.notifications.kinds import Kind, Told
from accounts.roles import Capability
from imaging.webhooks.models import Webhook


def _stopped_text(told: Told) -> str:
    return _(
        "This address has taken no message for a week, or says that it is gone: %(addresses)s\n\n"
        "Nothing is lost: changes are kept for 90 days. Once the receiver is well again, switch the webhook on in"
        " the administration, and it is told what it missed."
    ) % {"addresses": told["address"]}


STOPPED: Final = kinds.register(
    Kind(
        name="webhooks.stopped",
        group=groups.OPERATION,
        label=gettext_lazy("A webhook was switched off"),
        title=gettext_lazy("A webhook was switched off"),
        text=_stopped_text,
        takes=frozenset({"address"}),
        capability=Capability.MANAGE_MACHINES,
    )
)


def tell_stopped(webhook: Webhook) -> int:
    """Tell that a receiver is told nothing any more. How many people."""
    return services.notify(
        accounts.people_capable(Capability.MANAGE_MACHINES),
        STOPPED,
        path=reverse("admin:imaging_webhook_changelist"),
        subject=("webhook", str(webhook.pk)),
        params={"address": webhook.address[:500]},
        actor=SYSTEM,
    )
