"""What who asked is told of what became of it: never of whom it is about."""

import uuid
from typing import Final

from django.db import transaction
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.actor import SYSTEM, Actor
from accounts.notifications import groups, kinds, services
from accounts.notifications.kinds import Kind
from accounts.roles import Capability
from imaging.orders.models import ExamRequest, RequestTransition
from imaging.orders.workflow import TAKE_BACK, State, Step


def _kind(name: str, label: Promise, title: Promise, text: Promise) -> Kind:
    made = Kind(
        name=f"request.{name}",
        group=groups.REQUESTS,
        label=label,
        title=title,
        text=text,
        capability=Capability.REQUEST_EXAM,
    )
    return kinds.register(made)


RETURNED: Final = _kind(
    "returned",
    _("My request came back with a question"),
    _("Your request came back with a question"),
    _("Who is to do the exam asks something. It goes on when you have answered."),
)
REFUSED: Final = _kind(
    "refused",
    _("My request was refused"),
    _("Your request was refused"),
    _("The reason stands in the portal, and what is proposed in its place."),
)
SCHEDULED: Final = _kind(
    "scheduled",
    _("My request got a time"),
    _("Your request has a time and a room"),
    _("Time, room and preparation stand in the portal; the slip for the patient can be printed there."),
)
ENDED: Final = _kind(
    "ended",
    _("An exam that I asked for did not take place"),
    _("An exam that you asked for did not take place"),
    _("The reason stands in the portal. Ask anew if it is still needed."),
)
IMAGES: Final = _kind(
    "images",
    _("Images of my request are there"),
    _("The images that you asked for are there"),
    _("They can be opened in the portal. The report follows."),
)
REPORT: Final = _kind(
    "report",
    _("The report of my request is signed"),
    _("The report that you asked for is signed"),
    _("Open it in the portal, and say that you have read it."),
)

#: By the state that a step reaches, and by its own name where that says more.
_BY_STATE: Final = {
    State.REFUSED: REFUSED,
    State.RETURNED: RETURNED,
    State.COMPLETED: IMAGES,
    State.REPORTED: REPORT,
    State.DISCONTINUED: ENDED,
    State.NO_SHOW: ENDED,
}
_TAKEN_BACK: Final = frozenset({*TAKE_BACK, Step.ANSWER})
_BY_STEP: Final = {Step.SCHEDULE: SCHEDULED, Step.RESCHEDULE: SCHEDULED}


def kind_of(transition: RequestTransition) -> Kind | None:
    """What is told of a step; None for what the requester need not hear."""
    if transition.name in _BY_STEP:
        return _BY_STEP[Step(transition.name)]
    # What was taken back is where the requester knew it to be.
    if transition.from_state == transition.to_state or transition.name in _TAKEN_BACK:
        return None
    return _BY_STATE.get(State(transition.to_state))


def tell_new(subject: str) -> None:
    """Tell who asked of the steps that nobody was told of yet; run again, it tells nothing twice."""
    with transaction.atomic():
        rows = ExamRequest.objects.select_for_update(of=("self",), no_key=True).select_related("requester")
        request = rows.filter(key=uuid.UUID(subject)).first()
        if request is None:
            return
        steps = list(request.transitions.filter(pk__gt=request.told_transition))
        if not steps:
            return
        for step in steps:
            kind = kind_of(step)
            if kind is not None and request.requester is not None:
                services.notify(
                    [request.requester],
                    kind,
                    path=reverse("orders:request", args=[request.key]),
                    subject=("exam_request", str(request.key)),
                    actor=_actor_of(step),
                )
        ExamRequest.objects.filter(pk=request.pk).update(told_transition=steps[-1].pk)


def _actor_of(step: RequestTransition) -> Actor:
    """Who took a step, so that nobody is told of what they did themselves."""
    if step.user_id is None:
        return SYSTEM
    return Actor(kind="user", id=str(step.user_id), name=step.actor_name)
