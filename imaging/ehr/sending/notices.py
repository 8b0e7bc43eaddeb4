"""What those who look after machines are told of receivers."""

from typing import Final

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import selectors as accounts
from accounts.actor import SYSTEM
from accounts.notifications import groups, kinds, services
from accounts.notifications.kinds import Kind, Told
from accounts.roles import Capability
from imaging.ehr.models import Hl7Destination


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


def tell_late(destination: Hl7Destination) -> None:
    """Tell that a receiver is away."""
    _tell(LATE, destination, "admin:imaging_hl7destination_changelist")


def tell_refused(destination: Hl7Destination) -> None:
    """Tell that a message waits for a person."""
    _tell(REFUSED, destination, "admin:imaging_hl7notice_changelist")


def _tell(kind: Kind, destination: Hl7Destination, page: str) -> None:
    services.notify(
        accounts.people_capable(Capability.MANAGE_MACHINES),
        kind,
        path=reverse(page),
        subject=("hl7destination", str(destination.pk)),
        params={"receiver": destination.name},
        actor=SYSTEM,
    )
