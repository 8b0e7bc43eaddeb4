"""Which request a study answers, and what follows for the request: pure rules over what both say.

The order is that of the surest sign: the Study Instance UID that the worklist gave, then the accession number within its issuer
(PS3.3 C.7.2.1, C.4.12), then the scheduled step that the images name (Request Attributes Sequence, PS3.3 10.6) or the machine
reported (MPPS). Whatever agrees, a study of another patient is never linked by itself.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Final

from imaging.ingest.policies import names_agree
from imaging.orders.workflow import State, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A patient as a study or a request names them. ``is_typed`` tells that nobody has found them in the index."""

    patient_id: str = ""
    issuer_of_patient_id: str = ""
    patient_name: str = ""
    birth_date: date | None = None
    is_typed: bool = False


def same_person(asked: Person, shown: Person) -> bool:
    """Whether a request is for the patient whom a study shows.

    Of two indexed patients the number and its issuer decide. A typed number agrees when nothing else speaks against it: a slip
    of one digit would otherwise be somebody else. Without a number it takes the name and the birth date.
    """
    if not asked.is_typed and asked.patient_id and shown.patient_id:
        mine = (asked.issuer_of_patient_id, asked.patient_id)
        return mine == (shown.issuer_of_patient_id, shown.patient_id)
    same_day = asked.birth_date is not None and asked.birth_date == shown.birth_date
    is_named = bool(asked.patient_name and shown.patient_name)
    same_name = is_named and names_agree(asked.patient_name, shown.patient_name, same_birth_date=same_day)
    if asked.patient_id and shown.patient_id:
        issuers = {asked.issuer_of_patient_id, shown.issuer_of_patient_id} - {""}
        if asked.patient_id != shown.patient_id or len(issuers) > 1:
            return False
        other_day = bool(asked.birth_date and shown.birth_date) and not same_day
        return (same_name or not is_named) and not other_day
    return same_name and same_day


class Basis(StrEnum):
    """The values of ``StudyLink.Basis`` by which a link is found without a person; the surest first."""

    STUDY_UID = "study_uid"
    ACCESSION = "accession"
    STEP_ID = "step_id"
    PERFORMED = "performed"


class Why(StrEnum):
    """The values of ``UnmatchedStudy.Why``."""

    NO_REQUEST = "no_request"
    OTHER_PATIENT = "other_patient"
    SEVERAL = "several"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """By what a study could be asked for; ``performed`` are requests (primary keys) whose exam a machine reported under its UID."""

    study_instance_uid: str
    accession_number: str = ""
    issuer_of_accession_number: str = ""
    step_ids: frozenset[str] = frozenset()
    requested_procedure_ids: frozenset[str] = frozenset()
    performed: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A request that shares something with a study. ``is_ended`` is one that was refused, cancelled or is a draft still."""

    request: int
    is_same_patient: bool
    is_ended: bool = False
    study_instance_uid: str = ""
    accession_number: str = ""
    issuer_of_accession_number: str = ""
    requested_procedure_id: str = ""
    step_ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Either the ``request`` that a study answers and by which sign, or ``why`` there is none and the one in question."""

    request: int | None = None
    basis: Basis | None = None
    why: Why | None = None
    candidate: int | None = None


def judge(named: Named, candidates: Iterable[Candidate]) -> Verdict:
    """The request that a study answers. The surest sign that fits anything decides: a lesser one never overrules it."""
    known = list(candidates)
    for basis in Basis:
        fitting = [one for one in known if _FITS[basis](named, one)]
        if fitting:
            return _of(named, basis, fitting)
    return Verdict(why=Why.NO_REQUEST)


def _of(named: Named, basis: Basis, fitting: Sequence[Candidate]) -> Verdict:
    own = [one for one in fitting if one.is_same_patient]
    if not own:
        return Verdict(why=Why.OTHER_PATIENT, candidate=fitting[0].request)
    living = [one for one in own if not one.is_ended]
    if not living:
        return Verdict(why=Why.ENDED, candidate=own[0].request)
    # One number may stand for several exams that were asked for together; the images say which one.
    narrowed = [one for one in living if _FITS[Basis.STEP_ID](named, one) or one.request in named.performed]
    chosen = narrowed if len(living) > 1 and narrowed else living
    if len(chosen) > 1:
        return Verdict(why=Why.SEVERAL, candidate=chosen[0].request)
    return Verdict(request=chosen[0].request, basis=basis)


def _by_uid(named: Named, one: Candidate) -> bool:
    return bool(one.study_instance_uid) and one.study_instance_uid == named.study_instance_uid


def _by_accession(named: Named, one: Candidate) -> bool:
    if not one.accession_number or one.accession_number != named.accession_number:
        return False
    return len({named.issuer_of_accession_number, one.issuer_of_accession_number} - {""}) <= 1


def _by_step(named: Named, one: Candidate) -> bool:
    return bool(named.step_ids & one.step_ids) or (
        _by_accession(named, one) and one.requested_procedure_id in named.requested_procedure_ids
    )


def _by_report(named: Named, one: Candidate) -> bool:
    return one.request in named.performed


_FITS: Final[dict[Basis, Callable[[Named, Candidate], bool]]] = {
    Basis.STUDY_UID: _by_uid,
    Basis.ACCESSION: _by_accession,
    Basis.STEP_ID: _by_step,
    Basis.PERFORMED: _by_report,
}

#: A study made longer ago than this when it came in is history that is taken over: nobody waits for a request to it.
_FRESH: Final = timedelta(days=31)


def waits_for_request(why: Why, *, study_at: datetime, received_at: datetime) -> bool:
    """Whether a person is asked which request a study answers: always when a number speaks, else only for a fresh one."""
    return why is not Why.NO_REQUEST or received_at - study_at <= _FRESH


_BOOKED: Final = frozenset({State.SCHEDULED, State.ARRIVED})
#: Where a machine's report of an exam still says something.
UNFINISHED: Final = frozenset(
    {*_BOOKED, State.REQUESTED, State.RETURNED, State.VETTED, State.NO_SHOW, State.IN_PROGRESS}
)
_UNBOOKED: Final = frozenset({State.REQUESTED, State.RETURNED, State.VETTED, State.NO_SHOW})


def step_after_images(state: State, *, is_complete: bool, is_performing: bool) -> Step | None:
    """What a request's images make of it; ``is_performing`` while the machine reports that the exam goes on."""
    if state in _BOOKED and (is_performing or not is_complete):
        return Step.START
    if not is_complete or is_performing:
        return None
    if state in _BOOKED or state is State.IN_PROGRESS:
        return Step.COMPLETE
    return Step.RECEIVE if state in _UNBOOKED else None


def steps_without_images(state: State, *, was_booked: bool) -> tuple[Step, ...]:
    """What takes back what images had made of a request, once it has none any more."""
    if state in {State.REPORTED, State.ACKNOWLEDGED}:
        return (Step.UNREPORT, *steps_without_images(State.COMPLETED, was_booked=was_booked))
    if state is State.COMPLETED:
        return (Step.REOPEN_EXAM,) if was_booked else (Step.UNRECEIVE,)
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What of a request and of a study is compared for a suggestion."""

    person: Person
    at: datetime
    modalities: frozenset[str] = frozenset()
    body_part_examined: str = ""
    accession_number: str = ""


class Sign(StrEnum):
    """What speaks for a pair, in the order in which it is told."""

    PATIENT = "patient"
    NAME = "name"
    NUMBER = "number"
    DAY = "day"
    MODALITY = "modality"
    BODY_PART = "body_part"


_WEIGHT: Final = {Sign.PATIENT: 16, Sign.NAME: 8, Sign.NUMBER: 8, Sign.DAY: 4, Sign.MODALITY: 2, Sign.BODY_PART: 1}
#: Numbers that differ by a slip of the pen.
_ALIKE: Final = 0.85
#: Of another name and number nothing is suggested, however much the day and the machine agree.
_LEAST: Final = 8


@dataclass(frozen=True, slots=True)
class Likeness:
    """What speaks for a pair, and how much."""

    signs: tuple[Sign, ...] = ()
    weight: int = field(default=0)

    @property
    def is_worth_telling(self) -> bool:
        """Whether a person should look at the pair."""
        return self.weight >= _LEAST


def likeness(asked: Traits, shown: Traits) -> Likeness:
    """How well a request and a study go together."""
    same_day = bool(asked.person.birth_date) and asked.person.birth_date == shown.person.birth_date
    names = (asked.person.patient_name, shown.person.patient_name)
    found = {
        Sign.PATIENT: same_person(asked.person, shown.person),
        Sign.NAME: all(names) and names_agree(*names, same_birth_date=same_day),
        Sign.NUMBER: _alike(asked.accession_number, shown.accession_number),
        Sign.DAY: abs(asked.at - shown.at) <= timedelta(hours=20),
        Sign.MODALITY: bool(asked.modalities & shown.modalities),
        Sign.BODY_PART: bool(asked.body_part_examined)
        and asked.body_part_examined.casefold() == shown.body_part_examined.casefold(),
    }
    signs = tuple(sign for sign in Sign if found[sign])
    return Likeness(signs, sum(_WEIGHT[sign] for sign in signs))


def _alike(one: str, other: str) -> bool:
    return bool(one and other) and SequenceMatcher(None, one, other).ratio() >= _ALIKE
