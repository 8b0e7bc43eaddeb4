"""What a delivery holds, as its owner is shown it: patients, their studies and series, counted while the files are read."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any, Final, Self

from imaging.dicom.header import Header, PatientHeader
from imaging.ingest import policies

#: More than a person can decide about on one page.
MOST_PATIENTS: Final = 200
MOST_STUDIES: Final = 2000
_MOST_SERIES: Final = 20_000
_MOST_NAMES: Final = 200


class TooMuch(Exception):
    """More patients or studies than a person can decide about."""


@dataclass(slots=True)
class Line:
    """One series: modality, what it is called, how many objects."""

    modality: str
    description: str
    number: int | None
    instances: int = 0


@dataclass(slots=True)
class Examination:
    """One study. ``here`` counts the objects that are in the archive already, as far as the owner may see them."""

    study_instance_uid: str
    study_at: datetime | None
    description: str
    accession_number: str
    instances: int = 0
    here: int = 0
    series: dict[str, Line] = field(default_factory=dict)

    @property
    def modalities(self) -> list[str]:
        """Modalities in the order in which they came."""
        return list(dict.fromkeys(line.modality for line in self.series.values() if line.modality))


@dataclass(slots=True)
class Person:
    """One patient as the delivery names them; ``key`` tells the patients of one delivery apart."""

    key: str
    issuer_of_patient_id: str
    patient_id: str
    patient_name: str
    name_norm: str
    birth_date: date | None
    sex: str
    institution: str = ""
    studies: dict[str, Examination] = field(default_factory=dict)

    @property
    def instances(self) -> int:
        """All objects of this patient."""
        return sum(study.instances for study in self.studies.values())


@dataclass(slots=True)
class Contents:
    """A whole delivery."""

    people: dict[str, Person] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    missing_count: int = 0
    index_refused: list[str] = field(default_factory=list)
    _known: dict[PatientHeader, Person] = field(default_factory=dict)
    _studies: int = 0
    _series: int = 0

    def add(self, header: Header) -> Person:
        """Count one object in; whose it is. Raises ``TooMuch``."""
        person = self._known.get(header.patient) or self._person(header)
        self._known[header.patient] = person
        found = header.study
        study = person.studies.get(found.study_instance_uid)
        if study is None:
            self._studies += 1
            if self._studies > MOST_STUDIES:
                raise TooMuch
            study = Examination(
                found.study_instance_uid, found.study_at, found.description[:120], found.accession_number[:64]
            )
            person.studies[found.study_instance_uid] = study
        self._line(study, header).instances += 1
        study.instances += 1
        return person

    def _line(self, study: Examination, header: Header) -> Line:
        found = header.series
        line = study.series.get(found.series_instance_uid)
        if line is None:
            self._series += 1
            if self._series > _MOST_SERIES:
                raise TooMuch
            line = Line(found.modality[:16], (found.description or found.protocol_name)[:120], found.series_number)
            study.series[found.series_instance_uid] = line
        return line

    def _person(self, header: Header) -> Person:
        """Whose object this is: the same number and nothing that disagrees, or the same person without a number."""
        one = header.patient
        for person in self.people.values():
            if person.patient_id != one.patient_id or person.issuer_of_patient_id != one.issuer_of_patient_id:
                continue
            if one.patient_id and not policies.disagreement(person, one):
                return _completed(person, one)
            if (person.name_norm, person.birth_date, person.sex) == (one.name_norm, one.birth_date, one.sex):
                return person
        if len(self.people) >= MOST_PATIENTS:
            raise TooMuch
        person = Person(
            key=f"p{len(self.people) + 1}",
            issuer_of_patient_id=one.issuer_of_patient_id[:64],
            patient_id=one.patient_id[:64],
            patient_name=one.patient_name,
            name_norm=one.name_norm,
            birth_date=one.birth_date,
            sex=one.sex,
            institution=header.series.institution_name[:64],
        )
        self.people[person.key] = person
        return person

    def leave_out(self, missing: Iterable[str], refused: Iterable[str]) -> None:
        """Note what the index of a disc names and is not there, and what it must not name."""
        paths = list(missing)
        self.missing_count += len(paths)
        self.missing += paths[: max(0, _MOST_NAMES - len(self.missing))]
        self.index_refused += list(refused)[: max(0, _MOST_NAMES - len(self.index_refused))]

    def to_json(self) -> dict[str, Any]:
        """A plain dict for a JSON column: dates as ISO 8601, no NUL."""
        return {
            "people": [_plain(asdict(person)) for person in self.people.values()],
            "missing": self.missing,
            "missing_count": self.missing_count,
            "index_refused": self.index_refused,
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """The inverse of ``to_json``; an empty record is an empty delivery."""
        people = [_person_of(values) for values in record.get("people", ())]
        return cls(
            people={person.key: person for person in people},
            missing=record.get("missing", []),
            missing_count=record.get("missing_count", 0),
            index_refused=record.get("index_refused", []),
        )


def _completed(person: Person, one: PatientHeader) -> Person:
    """What one object of a patient does not tell, another may."""
    person.birth_date = person.birth_date or one.birth_date
    person.sex = person.sex or one.sex
    if not person.name_norm:
        person.patient_name, person.name_norm = one.patient_name, one.name_norm
    return person


def _person_of(values: dict[str, Any]) -> Person:
    studies = {}
    for uid, study in values["studies"].items():
        moment = datetime.fromisoformat(study["study_at"]) if study["study_at"] else None
        series = {key: Line(**line) for key, line in study["series"].items()}
        studies[uid] = Examination(**{**study, "study_at": moment, "series": series})
    born = date.fromisoformat(values["birth_date"]) if values["birth_date"] else None
    return Person(**{**values, "birth_date": born, "studies": studies})


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, str):
        return value.replace("\x00", "")
    return value.isoformat() if isinstance(value, (date, datetime)) else value
