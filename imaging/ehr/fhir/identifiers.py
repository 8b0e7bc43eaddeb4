"""Who issued a number: DICOM names the issuer, FHIR its OID (ID-1). And whom a number means."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.db.models import QuerySet

from accounts.models import Site
from imaging.ehr import identity
from imaging.ehr.fhir.parameters import Token
from imaging.ehr.hl7.persons import Identifier
from imaging.ehr.identity import Identity
from imaging.ehr.models import PatientIdentifier
from imaging.fhir.values import Number
from imaging.studies.models import Patient

_OID: Final = "urn:oid:"
_MOST: Final = 200


def oids() -> dict[str, str]:
    """The OID of each issuer that has one, by the issuer's name."""
    rows = Site.objects.exclude(issuer_oid="").order_by("-pk").values_list("issuer_of_patient_id", "issuer_oid")
    return dict(rows)


def numbers_of(patient: Patient, found: Identity | None, known: dict[str, str]) -> tuple[Number, ...]:
    """All the numbers of a patient that may be told: the archive's own first; the national one only while it is qualified (FR-1)."""
    own = Number(
        value=patient.patient_id,
        oid=known.get(patient.issuer_of_patient_id, ""),
        issuer=patient.issuer_of_patient_id,
        type_code="MR",
    )
    others = [
        Number(
            value=number.value,
            oid=number.oid or known.get(number.issuer, ""),
            issuer=number.issuer,
            type_code="NI" if number.is_national else "",
            is_old=number.is_old,
        )
        for number in (found.numbers if found else ())
    ]
    return (own, *others)


def bearers(tokens: Iterable[Token]) -> set[int]:
    """The keys of the patients that one of these numbers means; with a system of its issuer alone."""
    found: set[int] = set()
    for token in tokens:
        found |= _bearers(token)
    return found


def _bearers(token: Token) -> set[int]:
    rows = Patient.objects.filter(patient_id=token.value)
    known = oids()
    if token.system is None:
        return _keys(rows) | _further(token.value)
    if token.system == "":
        return _keys(rows.exclude(issuer_of_patient_id__in=known))
    if not token.system.startswith(_OID):
        return set()
    oid = token.system.removeprefix(_OID)
    issuers = [issuer for issuer, theirs in known.items() if theirs == oid]
    others = identity.bearers(Identifier(token.value, "", oid, ""))
    return _keys(rows.filter(issuer_of_patient_id__in=issuers)) | {patient.pk for patient in others}


def _further(value: str) -> set[int]:
    rows = PatientIdentifier.objects.filter(value=value, ended_at=None)
    return set(rows.values_list("patient_id", flat=True)[:_MOST])


def _keys(rows: QuerySet[Patient]) -> set[int]:
    return set(rows.values_list("pk", flat=True)[:_MOST])
