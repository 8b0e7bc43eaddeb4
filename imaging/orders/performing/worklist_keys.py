"""From matching keys of the modality worklist (PS3.4 table K.6-1) to conditions on scheduled steps."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from django.db.models import Q

from imaging.dicom import matching
from imaging.dicom.matching import Key
from imaging.orders.models import ExamRequest, Priority, ScheduledStep
from imaging.studies.finding.matching import of_match

STEP: Final = 0x00400100
_START_DATE, _START_TIME = 0x00400002, 0x00400003
_STATUS: Final = 0x00400020
_PRIORITY: Final = 0x00401003

#: Attributes of the scheduled step, by tag, as columns of `ScheduledStep`.
_OF_STEP: Final[Mapping[int, str]] = {
    0x00080060: "modality",
    0x00400001: "station_ae_title",
    _START_DATE: "starts_at",
    _START_TIME: "starts_at",
    0x00400004: "ends_at",
    0x00400005: "ends_at",
    0x00400006: "performing_physician_name",
    0x00400009: "step_id",
    0x00400010: "room__station_name",
}
_OF_REQUEST: Final[Mapping[int, str]] = {
    0x00080050: "request__accession_number",
    0x0020000D: "request__study_instance_uid",
    0x00401001: "request__requested_procedure_id",
}


@dataclass(frozen=True, slots=True)
class _Person:
    """Where an attribute of the patient lies: in the index, or as typed for a patient whom it does not know."""

    indexed: str
    typed: str
    norm: str = ""


_OF_PATIENT: Final[Mapping[int, _Person]] = {
    0x00100010: _Person("patient__patient_name", "typed_name", "patient__name_norm"),
    0x00100020: _Person("patient__patient_id", "typed_patient_id"),
    0x00100021: _Person("patient__issuer_of_patient_id", "typed_issuer"),
    0x00100030: _Person("patient__birth_date", "typed_birth_date"),
    0x00100040: _Person("patient__sex", "typed_sex"),
}

_S = ScheduledStep.Status
#: Scheduled Procedure Step Status (0040,0020), PS3.3 section C.4.10, by ours.
STATUSES: Final[Mapping[str, str]] = {_S.SCHEDULED: "SCHEDULED", _S.ARRIVED: "ARRIVED", _S.STARTED: "STARTED"}
#: Requested Procedure Priority (0040,1003), PS3.3 section C.4.11, by ours.
PRIORITIES: Final[Mapping[int, str]] = {Priority.STAT: "STAT", Priority.URGENT: "HIGH", Priority.ROUTINE: "ROUTINE"}
#: Requests that machines still have to do with: what was taken back or ended otherwise is on no worklist.
OPEN: Final = (ExamRequest.State.SCHEDULED, ExamRequest.State.ARRIVED, ExamRequest.State.IN_PROGRESS)


def supports(key: Key) -> bool:
    """Whether steps can be chosen by this key."""
    if len(key.path) == 2 and key.path[0] == STEP:
        return key.tag in _OF_STEP or key.tag == _STATUS
    return len(key.path) == 1 and (key.tag in _OF_REQUEST or key.tag in _OF_PATIENT or key.tag == _PRIORITY)


def divided(keys: Iterable[Key]) -> tuple[tuple[Key, ...], tuple[Key, ...]]:
    """The keys that steps are chosen by, and those that are left out of account."""
    asked = [key for key in keys if not key.is_universal]
    return tuple(key for key in asked if supports(key)), tuple(key for key in asked if not supports(key))


def condition(keys: Iterable[Key]) -> Q:
    """The condition that all keys hold; a range of days with one of times is one span (PS3.4 table K.6-1).

    Dates and times are of the current time zone. Patients are found where they are few, in a query of their own, so that the
    indexes of names and numbers serve it.
    """
    kept = list(keys)
    plain = [replace(key, path=(key.tag,)) for key in kept if len(key.path) == 2]
    wanted = Q()
    for key in matching.combined(tuple(plain), _START_DATE, _START_TIME):
        wanted &= _of_status(key) if key.tag == _STATUS else of_match(key.match, _OF_STEP[key.tag])
    people = [key for key in kept if len(key.path) == 1 and key.tag in _OF_PATIENT]
    for key in kept:
        if len(key.path) == 1 and key not in people:
            wanted &= _of_priority(key) if key.tag == _PRIORITY else of_match(key.match, _OF_REQUEST[key.tag])
    return wanted & _of_people(people) if people else wanted


def _of_people(keys: list[Key]) -> Q:
    indexed, typed = Q(patient__isnull=False), Q(patient__isnull=True)
    for key in keys:
        column = _OF_PATIENT[key.tag]
        indexed &= of_match(key.match, column.indexed, norm=column.norm)
        typed &= of_match(key.match, column.typed)
    asked = ExamRequest.objects.filter(state__in=OPEN).order_by()
    # Two queries, each with an index of its own, rather than one that has none.
    either = asked.filter(indexed).values("pk").union(asked.filter(typed).values("pk"), all=True)
    return Q(request__in=either)


def _of_status(key: Key) -> Q:
    return _of_words(key, STATUSES, "status")


def _of_priority(key: Key) -> Q:
    return _of_words(key, PRIORITIES, "request__priority")


def _of_words(key: Key, words: Mapping[int, str] | Mapping[str, str], path: str) -> Q:
    """A column whose values have other words in DICOM; wildcards in one of few words say nothing."""
    if not isinstance(key.match, matching.OneOf):
        return Q()
    return Q(**{f"{path}__in": [ours for ours, told in words.items() if told in key.match.values]})
