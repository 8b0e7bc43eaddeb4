"""What the pages tell of a push, made ready for them."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from imaging.sharing.desk.facts import Standing, initials_of
from imaging.sharing.desk.selectors import Keeper, seen
from imaging.sharing.models import PartnerTransfer, TransferItem, TransferObject
from imaging.sharing.partners import words
from imaging.studies.models import Patient

_State = PartnerTransfer.State
_LOOKS = {
    _State.ASKED: ("tag-warn", "clock"),
    _State.REFUSED: ("tag-critical", "x"),
    _State.WAITING: ("tag-active", "clock"),
    _State.SENDING: ("tag-active", "refresh"),
    _State.PAUSED: ("tag-warn", "history"),
    _State.DONE: ("tag-ok", "check"),
    _State.FAILED: ("tag-critical", "alert-triangle"),
    _State.STOPPED: ("", "st-rejected"),
}


def standing_of(transfer: PartnerTransfer) -> Standing:
    """Return how far a push is, by a word, a shape and a colour."""
    state = _State(transfer.state)
    tag, icon = _LOOKS[state]
    return Standing(state.value, state.label, tag, icon)


def marks_of(transfer: PartnerTransfer) -> tuple[object, ...]:
    """Return what makes the page of a push what it is."""
    names = ("state", "total", "sent", "warned", "refused", "octets", "failures", "next_attempt_at", "problem", "words")
    return tuple(getattr(transfer, name) for name in names)


@dataclass(frozen=True, slots=True)
class Line:
    """A push in a list. ``patient`` and ``title`` are told to who may see a study of it now; others read ``initials``."""

    transfer: PartnerTransfer
    standing: Standing
    title: str
    study_at: dt.datetime | None
    patient: Patient | None
    initials: str
    problem: str


def lines(person: Keeper, rows: Iterable[PartnerTransfer]) -> list[Line]:
    """Return pushes for a list, each with what this reader may know of it. One query besides what the rows bring."""
    transfers = list(rows)
    shown = seen(person.scope, {item.study_id for each in transfers for item in each.items.all()})
    return [_line(each, shown) for each in transfers]


def _line(transfer: PartnerTransfer, shown: frozenset[int]) -> Line:
    first = next((item.study for item in transfer.items.all() if item.study_id in shown), None)
    return Line(
        transfer,
        standing_of(transfer),
        title=first.description if first else "",
        study_at=first.study_at if first else None,
        patient=transfer.patient if first else None,
        initials=initials_of(transfer.patient),
        problem=words.problem_in_words(transfer.problem),
    )


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that is pushed; ``is_seen`` by who reads the page."""

    item: TransferItem
    is_seen: bool


def parts_of(person: Keeper, transfer: PartnerTransfer) -> list[Part]:
    """Return what is pushed."""
    items = list(transfer.items.select_related("study", "series", "instance").order_by("study_id", "pk"))
    shown = seen(person.scope, {item.study_id for item in items})
    return [Part(item, item.study_id in shown) for item in items]


@dataclass(frozen=True, slots=True)
class Told:
    """An object that did not go as it should: which, what happened, and the partner's own words with its status."""

    series_number: int | None
    instance_number: int | None
    sop_instance_uid: str
    is_warning: bool
    why: str
    status: str
    words: str


def told_of(rows: Iterable[TransferObject]) -> list[Told]:
    """Return what happened to these objects."""
    return [
        Told(
            row.instance.series.series_number,
            row.instance.instance_number,
            row.instance.sop_instance_uid,
            row.state == TransferObject.State.WARNED,
            words.of_object(row.problem),
            f"{row.status:04X}" if row.status is not None else "",
            row.words,
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Acts:
    """What the page of a push offers, and what is taken from it."""

    stop: bool
    again: bool
    decide: bool


def acts_of(person: Keeper, transfer: PartnerTransfer) -> Acts:
    """Return what somebody may do now. Stopping is for everybody who looks after it; nobody agrees to their own."""
    is_own = transfer.created_by_id == person.user.pk
    decides = transfer.department_id in person.decides_in
    sends = (is_own and transfer.department_id in person.shares_in) or decides
    waits = transfer.state == _State.ASKED
    may_decide = waits and decides and not is_own
    return Acts(
        stop=transfer.is_under_way or (waits and not may_decide),
        again=sends and transfer.state in {_State.PAUSED, _State.FAILED, _State.STOPPED},
        decide=may_decide,
    )
