"""Patient: people of whom the reader may list a study, by any of their numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from django.db.models import Q, QuerySet
from django.utils import timezone

from imaging.dicom import person_name
from imaging.ehr import identity
from imaging.ehr.fhir import identifiers, ids, places
from imaging.ehr.fhir.kinds import ID, Asking, Kind, Page, Wanted, titled
from imaging.ehr.fhir.parameters import Criteria, Parameter, Type
from imaging.ehr.identity import Identity
from imaging.fhir.patients import GENDERS, PatientFacts, patient_of
from imaging.fhir.values import Resource
from imaging.studies.access import StudyNotVisible
from imaging.studies.finding import patient_list
from imaging.studies.models import Patient

_GENDER_SYSTEM = "http://hl7.org/fhir/administrative-gender"


class Patients(Kind):
    """Patients."""

    name = "Patient"
    about = "People of whom the reader may list a study. A person whom two issuers number may be two patients here."
    parameters = (
        ID,
        Parameter("identifier", Type.TOKEN, "A number of the patient: `urn:oid:…|value`, or the value alone"),
        Parameter("name", Type.STRING, "Beginning of any part of the name"),
        Parameter("family", Type.STRING, "Beginning of the family name"),
        Parameter("given", Type.STRING, "Beginning of a given name"),
        Parameter("birthdate", Type.DATE, "Date of birth"),
        Parameter("gender", Type.TOKEN, "male, female, other or unknown"),
    )

    def read(self, asking: Asking, key: str) -> Resource | None:
        """One patient."""
        keys = ids.numbers([key])
        if not keys:
            return None
        try:
            patient = patient_list.open_patient(asking.scope, keys[0], actor=asking.actor)
        except StudyNotVisible:
            return None
        return _shown([patient])[0]

    def search(self, asking: Asking, wanted: Wanted) -> Page:
        """Latest known first."""
        rows = _found(asking, wanted.criteria)
        return places.latest_first(rows, wanted, show=_shown)

    def count(self, asking: Asking, criteria: Criteria) -> int:
        """How many there are."""
        return _found(asking, criteria).count()

    def several(self, asking: Asking, keys: Collection[str]) -> list[Resource]:
        """These."""
        rows = Patient.objects.visible_to(asking.scope).filter(pk__in=ids.numbers(keys)).order_by("pk")
        return _shown(list(rows))


def meant(criteria: Criteria) -> set[int] | None:
    """The keys of the patients that a search of something else names, by reference or by number; None if it names none."""
    groups = [set(ids.numbers(group)) for group in criteria.ids("patient", "subject", target="Patient")]
    groups += [identifiers.bearers(group) for group in criteria.tokens("patient.identifier", "subject.identifier")]
    return set.intersection(*groups) if groups else None


def _found(asking: Asking, asked: Criteria) -> QuerySet[Patient]:
    rows = patient_list.patients(asking.scope, patient_list.PatientFilters())
    for group in asked.strings("_id"):
        rows = rows.filter(pk__in=ids.numbers(group))
    for tokens in asked.tokens("identifier"):
        rows = rows.filter(pk__in=identifiers.bearers(tokens))
    for group in asked.strings("name"):
        rows = rows.filter(_named(group, any_part=True))
    for group in asked.strings("family"):
        rows = rows.filter(_named(group, any_part=False))
    for group in asked.strings("given"):
        rows = rows.filter(_given(group))
    born = asked.span("birthdate")
    if born.since is not None:
        rows = rows.filter(birth_date__gte=timezone.localdate(born.since))
    if born.until is not None:
        rows = rows.filter(birth_date__lt=timezone.localdate(born.until))
    for group in asked.codes("gender", system=_GENDER_SYSTEM):
        rows = rows.filter(_of_gender(group))
    return rows


def _named(texts: Iterable[str], *, any_part: bool) -> Q:
    wanted = Q(pk__in=[])
    for text in texts:
        word = person_name.normalised(text)
        if word:
            wanted |= Q(name_norm__startswith=word) | (Q(name_norm__contains=f" {word}") if any_part else Q(pk__in=[]))
    return wanted


def _given(texts: Iterable[str]) -> Q:
    wanted = Q(pk__in=[])
    for text in texts:
        word = person_name.normalised(text)
        if word:
            wanted |= Q(name_norm__contains=f" {word}")
    return wanted


def _of_gender(codes: Iterable[str]) -> Q:
    wanted = Q(pk__in=[])
    for code in codes:
        letters = [letter for letter, gender in GENDERS.items() if gender == code]
        wanted |= Q(sex__in=letters) if letters else Q(pk__in=[])
        if code == "unknown":
            wanted |= ~Q(sex__in=list(GENDERS))
    return wanted


def _shown(patients: Sequence[Patient]) -> list[Resource]:
    """Patients with what registers tell of them, read once for all."""
    known = identifiers.oids()
    identities = identity.identities_of([patient.pk for patient in patients])
    return [_resource(patient, identities.get(patient.pk), known) for patient in patients]


def _resource(patient: Patient, found: Identity | None, known: dict[str, str]) -> Resource:
    facts = PatientFacts(
        numbers=identifiers.numbers_of(patient, found, known),
        name=patient.patient_name,
        birth_date=patient.birth_date,
        sex=patient.sex,
        used_name=found.used_name if found else "",
        birth_place=found.birth_place if found else "",
    )
    return titled(patient_of(facts), str(patient.pk))
