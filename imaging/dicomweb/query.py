"""What a search's address asks for (PS3.18 sections 8.3.4 and 10.6): matching keys, what to return, and in which order."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from django.http import QueryDict

from imaging.dicom import matching
from imaging.dicom.matching import Key, KeyInvalid
from imaging.dicomweb.negotiation import NotUnderstood
from imaging.studies.finding.list_filters import Order
from imaging.studies.finding.matching import STUDY_DATE, STUDY_TIME
from imaging.studies.finding.search import Level, Search
from imaging.studies.finding.series_list import InstanceOrder, SeriesOrder

AnyOrder = Order | SeriesOrder | InstanceOrder

#: Results of one answer; a client that names no limit gets as many.
MOST: Final[Mapping[Level, int]] = {Level.STUDY: 1_000, Level.SERIES: 2_000, Level.INSTANCE: 5_000}
_MOST_PARAMETERS: Final = 200
_LARGEST: Final = 10**9
_ANSWERS: Final = {"true": True, "false": False}
#: Not about attributes.
_CONTROL: Final = frozenset({"limit", "offset", "includefield", "fuzzymatching", "orderby", "includetotal", "accept"})

#: What `orderby` may name at each level, with the order from the smallest up and from the largest down.
ORDERS: Final[Mapping[Level, Mapping[str, tuple[AnyOrder, AnyOrder]]]] = {
    Level.STUDY: {
        "StudyDate": (Order.EARLIEST, Order.LATEST),
        "PatientName": (Order.NAME, Order.NAME_DESCENDING),
        "PatientID": (Order.PATIENT_ID, Order.PATIENT_ID_DESCENDING),
        "PatientBirthDate": (Order.OLDEST, Order.YOUNGEST),
        "PatientSex": (Order.SEX, Order.SEX_DESCENDING),
        "AccessionNumber": (Order.ACCESSION, Order.ACCESSION_DESCENDING),
        "ModalitiesInStudy": (Order.MODALITY, Order.MODALITY_DESCENDING),
        "StudyDescription": (Order.DESCRIPTION, Order.DESCRIPTION_DESCENDING),
        "ReferringPhysicianName": (Order.REFERRING, Order.REFERRING_DESCENDING),
        "NumberOfStudyRelatedSeries": (Order.FEWEST_SERIES, Order.MOST_SERIES),
        "NumberOfStudyRelatedInstances": (Order.FEWEST_INSTANCES, Order.MOST_INSTANCES),
    },
    Level.SERIES: {
        "SeriesNumber": (SeriesOrder.NUMBER, SeriesOrder.NUMBER_DESCENDING),
        "Modality": (SeriesOrder.MODALITY, SeriesOrder.MODALITY_DESCENDING),
        "SeriesDescription": (SeriesOrder.DESCRIPTION, SeriesOrder.DESCRIPTION_DESCENDING),
        "BodyPartExamined": (SeriesOrder.BODY_PART, SeriesOrder.BODY_PART_DESCENDING),
        "NumberOfSeriesRelatedInstances": (SeriesOrder.FEWEST_INSTANCES, SeriesOrder.MOST_INSTANCES),
    },
    Level.INSTANCE: {
        "InstanceNumber": (InstanceOrder.NUMBER, InstanceOrder.NUMBER_DESCENDING),
        "SOPClassUID": (InstanceOrder.SOP_CLASS, InstanceOrder.SOP_CLASS_DESCENDING),
    },
}


@dataclass(frozen=True, slots=True)
class Query:
    """A search, the limit as asked for (0 to be told the total alone), and what the client is to be warned of."""

    search: Search
    limit: int
    has_limit: bool
    warnings: list[str] = field(default_factory=list)


def read(parameters: QueryDict, level: Level, *, study_instance_uid: str = "", series_instance_uid: str = "") -> Query:
    """The query of an address. Raises ``NotUnderstood`` with a sentence that says what to change."""
    if sum(len(values) for _name, values in parameters.lists()) > _MOST_PARAMETERS:
        raise NotUnderstood(f"Too many parameters: up to {_MOST_PARAMETERS} are read.")
    warnings: list[str] = []
    includes, every = _includes(parameters.getlist("includefield"), warnings)
    limit = _number(parameters, "limit", MOST[level])
    keys = _keys(parameters, fuzzy=_flag(parameters, "fuzzymatching"))
    search = Search(
        level=level,
        keys=matching.combined(keys, STUDY_DATE, STUDY_TIME),
        study_instance_uid=study_instance_uid,
        series_instance_uid=series_instance_uid,
        includes=includes,
        every_header=every and level is Level.INSTANCE,
        order=_order(parameters.get("orderby", ""), level),
        offset=_number(parameters, "offset", 0),
        limit=min(max(limit, 1), MOST[level]),
        is_counted=_flag(parameters, "includetotal"),
    )
    return Query(search, limit, "limit" in parameters, warnings)


def _keys(parameters: QueryDict, *, fuzzy: bool) -> tuple[Key, ...]:
    found: dict[tuple[int, ...], list[str]] = {}
    try:
        for name, values in parameters.lists():
            if name not in _CONTROL:
                found.setdefault(matching.path_of(name), []).extend(values)
        return tuple(_key(path, values, fuzzy=fuzzy) for path, values in found.items())
    except KeyInvalid as error:
        raise NotUnderstood(error.detail) from error


def _key(path: tuple[int, ...], values: list[str], *, fuzzy: bool) -> Key:
    if len(values) == 1:
        return matching.of_path(path, values[0], fuzzy=fuzzy)
    key = matching.of_path(path, "\\".join(values), fuzzy=fuzzy)
    if key.vr not in {"UI", "CS"}:
        raise NotUnderstood(f"{key.name} is asked for more than once.")
    return key


def _includes(values: Iterable[str], warnings: list[str]) -> tuple[frozenset[int], bool]:
    """The tags that are to be returned, and whether all are."""
    names = [name.strip() for value in values for name in value.split(",") if name.strip()]
    if len(names) > _MOST_PARAMETERS:
        raise NotUnderstood(f"Too many attributes in includefield: up to {_MOST_PARAMETERS} are read.")
    found: set[int] = set()
    for name in names:
        if name.lower() == "all":
            continue
        try:
            # What lies inside a sequence is returned with the sequence.
            found.add(matching.path_of(name)[0])
        except KeyInvalid as error:
            warnings.append(f"includefield: {error.detail}")
    return frozenset(found), any(name.lower() == "all" for name in names)


def _number(parameters: QueryDict, name: str, otherwise: int) -> int:
    text = parameters.get(name)
    if not text:
        return otherwise
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise NotUnderstood(f"{name} is no whole number.")
    return min(int(text), _LARGEST)


def _flag(parameters: QueryDict, name: str) -> bool:
    text = str(parameters.get(name) or "false").lower()
    if text not in _ANSWERS:
        raise NotUnderstood(f"{name} is either true or false.")
    return _ANSWERS[text]


def _order(text: str, level: Level) -> AnyOrder | None:
    """`orderby=StudyDate`, or with a minus before it for the largest first."""
    if not text:
        return None
    name = text.removeprefix("-")
    try:
        keyword = matching.name_of(matching.path_of(name)[0])
    except KeyInvalid:
        keyword = ""
    pair = ORDERS[level].get(keyword)
    if pair is None:
        raise NotUnderstood(
            f"orderby is one of {', '.join(ORDERS[level])}, with - before it to have the largest first."
        )
    return pair[1] if text.startswith("-") else pair[0]
