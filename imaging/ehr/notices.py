"""What those who look after machines are told of systems that send."""

from typing import Final

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import selectors as accounts
from accounts.actor import SYSTEM
from accounts.notifications import groups, kinds, services
from accounts.notifications.kinds import Kind, Told
from accounts.roles import Capability
from imaging.ehr.models import Hl7Peer


def _held_text(told: Told) -> str:
    return _(
        "It asks for more merges of patients than it may in an hour: %(system)s\n\n"
        "Nothing more was merged. Its messages were taken over and wait in the administration: look at what went wrong"
        " there, then send in again what is right, and skip the rest. Every merge of before can be taken back."
    ) % {"system": told["system"]}


HELD: Final = kinds.register(
    Kind(
        name="hl7.merges_held",
        group=groups.OPERATION,
        label=gettext_lazy("A system asks for too many merges of patients"),
        title=gettext_lazy("A system asks for too many merges of patients"),
        text=_held_text,
        takes=frozenset({"system"}),
        capability=Capability.MANAGE_MACHINES,
    )
)


def tell_held(peer: Hl7Peer) -> None:
    """Tell that merges wait for a person."""
    services.notify(
        accounts.people_capable(Capability.MANAGE_MACHINES),
        HELD,
        path=reverse("admin:imaging_hl7message_changelist"),
        subject=("hl7peer", str(peer.pk)),
        params={"system": peer.name},
        actor=SYSTEM,
    )
