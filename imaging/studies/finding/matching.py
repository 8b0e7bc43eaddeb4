"""From matching keys to conditions on rows: one table says which column an attribute is, at whichever level is searched.

Names are found by their normalised form, for which there are indexes, and judged on their own form only where components
or other writings matter. What is no column is no condition: ``supports`` tells, and the doors say so to who asked.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from django.db.models import CharField, F, Func, Q, TextField, Value
from django.utils import timezone
from pydicom import datadict

from imaging.dicom import matching
from imaging.dicom.matching import Key
from imaging.dicom.name_matching import NamePattern, NameWords
from imaging.dicom.temporal_matching import Days, Moments, Times
from imaging.studies.finding.pattern_lookups import Folded, Like, MatchesRegex
from imaging.studies.finding.relative_days import midnight
from imaging.studies.rows.columns import LARGEST_INTEGER

STUDY_DATE: Final = 0x00080020
STUDY_TIME: Final = 0x00080030


class Rows(StrEnum):
    """Which rows a condition is for."""

    PLACEMENT = "placement"
    STUDY = "study"
    SERIES = "series"
    INSTANCE = "instance"


class Entity(StrEnum):
    """Which row of the four levels holds a column."""

    PATIENT = "patient"
    STUDY = "study"
    SERIES = "series"
    INSTANCE = "instance"


@dataclass(frozen=True, slots=True)
class Column:
    """Where an attribute lies. ``placed``: placements carry a copy of that name; ``norm``: the form that names are found by."""

    entity: Entity
    name: str
    placed: str = ""
    norm: str = ""


_PATHS: Final[Mapping[Rows, Mapping[Entity, str]]] = {
    Rows.PLACEMENT: {Entity.PATIENT: "study__patient__", Entity.STUDY: "study__"},
    Rows.STUDY: {Entity.PATIENT: "patient__", Entity.STUDY: ""},
    Rows.SERIES: {Entity.PATIENT: "study__patient__", Entity.STUDY: "study__", Entity.SERIES: ""},
    Rows.INSTANCE: {
        Entity.PATIENT: "study__patient__",
        Entity.STUDY: "study__",
        Entity.SERIES: "series__",
        Entity.INSTANCE: "",
    },
}

_P, _S, _E, _I = Entity.PATIENT, Entity.STUDY, Entity.SERIES, Entity.INSTANCE

#: Every attribute that can be matched, by keyword.
COLUMNS: Final[Mapping[str, Column]] = {
    "PatientName": Column(_P, "patient_name", norm="name_norm"),
    "PatientID": Column(_P, "patient_id", "patient_id"),
    "IssuerOfPatientID": Column(_P, "issuer_of_patient_id"),
    "PatientBirthDate": Column(_P, "birth_date", "birth_date"),
    "PatientSex": Column(_P, "sex", "sex"),
    "StudyInstanceUID": Column(_S, "study_instance_uid"),
    "StudyDate": Column(_S, "study_at", "study_at"),
    "StudyTime": Column(_S, "study_at", "study_at"),
    "AccessionNumber": Column(_S, "accession_number", "accession_number"),
    "StudyID": Column(_S, "study_id"),
    "StudyDescription": Column(_S, "description"),
    "ReferringPhysicianName": Column(_S, "referring_physician_name", norm="referring_norm"),
    "InstitutionalDepartmentName": Column(_S, "institutional_department_name"),
    "ModalitiesInStudy": Column(_S, "modalities", "modalities"),
    "NumberOfStudyRelatedSeries": Column(_S, "series_count", "series_count"),
    "NumberOfStudyRelatedInstances": Column(_S, "instance_count", "instance_count"),
    "SeriesInstanceUID": Column(_E, "series_instance_uid"),
    "Modality": Column(_E, "modality"),
    "SeriesNumber": Column(_E, "series_number"),
    "SeriesDescription": Column(_E, "description"),
    "BodyPartExamined": Column(_E, "body_part_examined"),
    "Laterality": Column(_E, "laterality"),
    "StationName": Column(_E, "station_name"),
    "ProtocolName": Column(_E, "protocol_name"),
    "FrameOfReferenceUID": Column(_E, "frame_of_reference_uid"),
    "NumberOfSeriesRelatedInstances": Column(_E, "instance_count"),
    "SOPInstanceUID": Column(_I, "sop_instance_uid"),
    "SOPClassUID": Column(_I, "sop_class_uid"),
    "InstanceNumber": Column(_I, "instance_number"),
    "NumberOfFrames": Column(_I, "number_of_frames"),
    "Rows": Column(_I, "rows"),
    "Columns": Column(_I, "columns"),
}


@lru_cache(maxsize=1)
def _by_tag() -> Mapping[int, Column]:
    return {int(datadict.tag_for_keyword(keyword) or 0): column for keyword, column in COLUMNS.items()}


def column_of(tag: int) -> Column | None:
    """The column of an attribute, or None."""
    return _by_tag().get(tag)


@lru_cache(maxsize=len(Entity))
def tags_of(entity: Entity) -> frozenset[str]:
    """The attributes that are columns of these rows, as eight digits."""
    return frozenset(f"{tag:08X}" for tag, column in _by_tag().items() if column.entity is entity)


def supports(key: Key, rows: Rows) -> bool:
    """Whether rows can be chosen by this key: its attribute is a column of theirs, or of a level above."""
    column = column_of(key.tag) if len(key.path) == 1 else None
    return column is not None and column.entity in _PATHS[rows]


def condition(keys: Iterable[Key], rows: Rows) -> Q:
    """The condition that all keys hold. Keys that match anything, and those that are not supported, add none.

    Dates and times are of the current time zone; a study whose date is unknown counts by the day of its arrival, as in
    every list. Nothing in a key makes this fail.
    """
    wanted = Q()
    for key in keys:
        if not key.is_universal and supports(key, rows):
            wanted &= _of_key(key, rows)
    return wanted


def _of_key(key: Key, rows: Rows) -> Q:
    column = _by_tag()[key.tag]
    prefix = _PATHS[rows][column.entity]
    path = column.placed if rows is Rows.PLACEMENT and column.placed else prefix + column.name
    match = key.match
    if isinstance(match, NamePattern | NameWords):
        norm = column.norm if rows is Rows.PLACEMENT else prefix + column.norm
        return of_match(match, prefix + column.name, norm=norm)
    if column.name == "modalities":
        return _modalities(match, path, rows)
    return of_match(match, path)


def of_match(match: matching.Match, path: str, *, norm: str = "") -> Q:
    """The condition on any column; ``norm`` is the column of a name's normalised form, where there is one to narrow by."""
    if isinstance(match, matching.Anything):
        return Q()
    if isinstance(match, NamePattern | NameWords):
        return _name(match, norm, path)
    return _CONDITIONS[type(match)](match, path)


def _one_of(match: matching.OneOf, path: str) -> Q:
    return Q(**{f"{path}__in": match.values})


def _numbers(match: matching.Numbers, path: str) -> Q:
    return Q(**{f"{path}__in": [int(value) for value in match.values if abs(value) <= LARGEST_INTEGER]})


def _patterns(match: matching.Patterns, path: str) -> Q:
    wanted = Q()
    for value in match.values:
        wanted |= Q(Like(F(path), _like(value)))
    return wanted


def _days(match: Days, path: str) -> Q:
    if path.endswith("birth_date"):
        return _span(path, match.first, match.last)
    first = midnight(match.first) if match.first else None
    wanted = _span(path, first, None)
    if match.last and match.last < date.max:
        wanted &= Q(**{f"{path}__lt": midnight(match.last + timedelta(days=1))})
    return wanted


def _times(match: Times, path: str) -> Q:
    path = f"{path}__time"
    if match.first and match.last and match.last < match.first:
        return Q(**{f"{path}__gte": match.first}) | Q(**{f"{path}__lte": match.last})
    return _span(path, match.first, match.last)


def _moments(match: Moments, path: str) -> Q:
    return _span(path, _aware(match.first), _aware(match.last))


def _span(path: str, first: Any, last: Any) -> Q:
    wanted = Q()
    if first is not None:
        wanted &= Q(**{f"{path}__gte": first})
    if last is not None:
        wanted &= Q(**{f"{path}__lte": last})
    return wanted


_CONDITIONS: Final[Mapping[type, Callable[[Any, str], Q]]] = {
    matching.OneOf: _one_of,
    matching.Numbers: _numbers,
    matching.Patterns: _patterns,
    Days: _days,
    Times: _times,
    Moments: _moments,
}


def _modalities(match: matching.Match, path: str, rows: Rows) -> Q:
    """Any of the modalities of a study."""
    if isinstance(match, matching.OneOf):
        return Q(**{f"{path}__overlap": list(match.values)})
    # Placements have them in one text already.
    joined: Any = Func(F(path), Value("\\"), function="array_to_string", output_field=TextField())
    if rows is Rows.PLACEMENT:
        joined = F("modality_key")
    wanted = Q()
    for value in match.values if isinstance(match, matching.Patterns) else ():
        body = "".join({"*": r"[^\\]*", "?": r"[^\\]"}.get(char) or re.escape(char) for char in value)
        wanted |= Q(MatchesRegex(joined, rf"(^|\\){body}(\\|$)"))
    return wanted


def _name(match: NamePattern | NameWords, norm: str, name: str) -> Q:
    if isinstance(match, NameWords):
        return _name_words(match, norm)
    body = "%".join(_escaped(run) for run in match.runs)
    # The index finds who holds these words; what they are parts of is judged on the few that do.
    wanted = Q(Like(F(norm), f"{'' if match.is_anchored else '%'}{body}%")) if body and norm else Q()
    if not match.is_one_part or not norm:
        wanted &= Q(MatchesRegex(Folded(F(name), output_field=CharField()), match.regex))
    return wanted


def _name_words(match: NameWords, norm: str) -> Q:
    wanted = Q()
    for word in match.beginnings:
        wanted &= Q(**{f"{norm}__startswith": word}) | Q(**{f"{norm}__contains": f" {word}"})
    for word in match.anywhere:
        wanted &= Q(**{f"{norm}__contains": word})
    return wanted


def _like(pattern: str) -> str:
    return "".join({"*": "%", "?": "_"}.get(char) or _escaped(char) for char in pattern)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _aware(moment: datetime | None) -> datetime | None:
    return timezone.make_aware(moment) if moment is not None and moment.tzinfo is None else moment
