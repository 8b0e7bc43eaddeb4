"""What waits to be vetted, what was decided of late, and what a decision needs to know."""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.db.models import Q
from django.utils import timezone

from accounts.roles import Capability
from imaging.orders.models import ExamRequest, Procedure, RequestTransition
from imaging.orders.requesting import selectors as requesting
from imaging.orders.requesting.policies import Asker
from imaging.orders.workflow import RULES, State, Step

MOST: Final = 100
#: A count is told up to this; what is more is "99+".
MOST_COUNTED: Final = 100
#: What the page offers to show: a word of the address, and the state it stands for.
SHOWN: Final[Mapping[str, State]] = {
    "waiting": State.REQUESTED,
    "returned": State.RETURNED,
    "vetted": State.VETTED,
    "refused": State.REFUSED,
}
#: What can be decided on the page; each is taken back by what its rule names.
DECISIONS: Final = (Step.VET, Step.RETURN, Step.REFUSE)
TAKINGS_BACK: Final = tuple(Step(back) for step in DECISIONS if (back := RULES[step].undone_by))
_LATE: Final = dt.timedelta(hours=12)
_LOOKED_BACK: Final = 60
_MOST_PROTOCOLS: Final = 6


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided last, and the step that takes it back."""

    request: ExamRequest
    step: Step
    back: Step
    at: dt.datetime


def _mine(person: Asker) -> Q:
    return Q(performing_department__in=person.capabilities.get(Capability.VET_REQUEST, frozenset()))


def listed(person: Asker, show: str = "waiting") -> list[ExamRequest]:
    """Requests of the departments in which a person vets: what waits by urgency and age, what was decided latest first."""
    state = SHOWN[show]
    rows = requesting.requests(person.scope).filter(_mine(person), state=state)
    if state is State.REQUESTED:
        return list(rows.filter(procedure__needs_vetting=True).order_by("priority", "requested_at", "pk")[:MOST])
    order = {State.VETTED: "-vetted_at", State.REFUSED: "-ended_at"}.get(state, "-changed_at")
    return list(rows.order_by(order, "-pk")[:MOST])


def counts(person: Asker) -> dict[str, int]:
    """How many requests stand in what the page offers to show; ``MOST_COUNTED`` stands for more."""
    rows = ExamRequest.objects.visible_to(person.scope).filter(_mine(person))
    counted = {}
    for show in ("waiting", "returned"):
        found = rows.filter(state=SHOWN[show])
        if show == "waiting":
            found = found.filter(procedure__needs_vetting=True)
        counted[show] = found[:MOST_COUNTED].count()
    return counted


def after(person: Asker, decided: ExamRequest, rows: list[ExamRequest]) -> ExamRequest | None:
    """The one to look at when this one is decided: the next of the list, or its first; None where nothing waits."""
    others = [row for row in rows if row.pk != decided.pk]
    place = (decided.priority, decided.requested_at or timezone.now(), decided.pk)
    later = (row for row in others if (row.priority, row.requested_at or timezone.now(), row.pk) > place)
    return next(later, others[0] if others else None)


def last_decision(person: Asker) -> Decision | None:
    """What this person decided last, as long as it stands and nobody went on from there."""
    names = [step.value for step in DECISIONS]
    rows = RequestTransition.objects.filter(user=person.user, at__gte=timezone.now() - _LATE)
    last = rows.filter(name__in=[*names, *(back.value for back in TAKINGS_BACK)]).order_by("-pk").first()
    if last is None or last.name not in names:
        return None
    request = requesting.requests(person.scope).filter(_mine(person), pk=last.request_id, state=last.to_state).first()
    if request is None:
        return None
    step = Step(last.name)
    return Decision(request, step, Step(RULES[step].undone_by or ""), last.at)


def protocols(person: Asker, procedure: Procedure | None) -> list[str]:
    """How this exam was vetted of late, the latest first, each once; the catalogue's usual one is the form's own."""
    if procedure is None:
        return []
    rows = requesting.requests(person.scope).filter(_mine(person), procedure=procedure).exclude(protocol="")
    latest = rows.order_by("-vetted_at").values_list("protocol", flat=True)[:_LOOKED_BACK]
    return [text for text in dict.fromkeys(latest) if text != procedure.protocol][:_MOST_PROTOCOLS]


def request_to_vet(person: Asker, key: uuid.UUID) -> ExamRequest | None:
    """A request that this person may decide about; None for others, and for none."""
    return requesting.requests(person.scope).filter(_mine(person), key=key).exclude(state=State.DRAFT).first()
