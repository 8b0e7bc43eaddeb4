"""What those who look after machines are told of systems that send, and of those that are told."""

from typing import Final

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import selectors as accounts
from accounts.actor import SYSTEM
from accounts.notifications import groups, kinds, services
from accounts.notifications.kinds import Kind, Told
from accounts.roles import Capability
from imaging.ehr.models import Hl7Destination, Hl7Peer


def _held_text(told: Told) -> str:
    return _(
        "It asks for more merges of patients than it may in an hour: %(system)s\n\n"
        "Nothing more was merged. Its messages were taken over and wait in the administration: look at what went wrong"
        " there, then send in again what is right, and skip the rest. Every merge of before can be taken back."
    ) % {"system": told["system"]}


def _late_text(told: Told) -> str:
    return _(
        "For a quarter of an hour nothing could be sent to it: %(receiver)s\n\n"
        "Nothing is lost: what it is owed waits in its order, and is tried again until it is taken. Its page in the"
        " administration says what stands in the way."
    ) % {"receiver": told["receiver"]}


def _refused_text(told: Told) -> str:
    return _(
        "It did not take a message: %(receiver)s\n\n"
        "The message waits in the administration, with the answer: it can be sent again or skipped there. The messages"
        " after it were sent on."
    ) % {"receiver": told["receiver"]}


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


LATE: Final = kinds.register(
    Kind(
        name="hl7.late",
        group=groups.OPERATION,
        label=gettext_lazy("An HL7 receiver cannot be reached"),
        title=gettext_lazy("An HL7 receiver cannot be reached"),
        text=_late_text,
        takes=frozenset({"receiver"}),
        capability=Capability.MANAGE_MACHINES,
    )
)
REFUSED: Final = kinds.register(
    Kind(
        name="hl7.refused",
        group=groups.OPERATION,
        label=gettext_lazy("An HL7 receiver refused a message"),
        title=gettext_lazy("An HL7 receiver refused a message"),
        text=_refused_text,
        takes=frozenset({"receiver"}),
        capability=Capability.MANAGE_MACHINES,
    )
)


def tell_held(peer: Hl7Peer) -> None:
    """Tell that merges wait for a person."""
    _tell(HELD, "hl7message", ("hl7peer", str(peer.pk)), {"system": peer.name})


def tell_late(destination: Hl7Destination) -> None:
    """Tell that a receiver is away."""
    _tell(LATE, "hl7destination", ("hl7destination", str(destination.pk)), {"receiver": destination.name})


def tell_refused(destination: Hl7Destination) -> None:
    """Tell that a message waits for a person."""
    _tell(REFUSED, "hl7notice", ("hl7destination", str(destination.pk)), {"receiver": destination.name})


def _tell(kind: Kind, page: str, subject: tuple[str, str], params: dict[str, str]) -> None:
    services.notify(
        accounts.people_capable(Capability.MANAGE_MACHINES),
        kind,
        path=reverse(f"admin:imaging_{page}_changelist"),
        subject=subject,
        params=params,
        actor=SYSTEM,
    )
