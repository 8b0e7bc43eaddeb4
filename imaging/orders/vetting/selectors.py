"""What waits to be vetted."""

from typing import Final

from accounts.roles import Capability
from imaging.orders.models import ExamRequest
from imaging.orders.requesting import selectors as requesting
from imaging.orders.requesting.policies import Asker
from imaging.orders.workflow import State

MOST: Final = 100


def to_vet(person: Asker) -> list[ExamRequest]:
    """Requests of the departments in which a person vets, the most urgent and oldest first; those just vetted come after."""
    places = person.capabilities.get(Capability.VET_REQUEST, frozenset())
    rows = requesting.requests(person.scope).filter(
        performing_department__in=places, state=State.REQUESTED, procedure__needs_vetting=True
    )
    return list(rows.order_by("priority", "requested_at", "pk")[:MOST])


def just_vetted(person: Asker) -> list[ExamRequest]:
    """The last requests that this person vetted and nobody has booked: they can be taken back."""
    rows = requesting.requests(person.scope).filter(vetted_by=person.user, state=State.VETTED)
    return list(rows.order_by("-vetted_at")[:5])
