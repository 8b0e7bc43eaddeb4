"""What a launch is about, as the parameters of RAD-106: whose images, and which of them.

Whatever a launch says of studies is checked against its patient where the images are found (`invoking.selectors`): a study of
somebody else is refused there, whoever named it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from imaging.ehr.models import HealthRecord
from imaging.ehr.records.client import Reader, is_id
from imaging.fhir.values import DICOM_UID, IDENTIFIER_TYPES, Resource

Asked = dict[str, list[str]]

_MOST: Final = 20
_SHOWN: Final = ("ImagingStudy", "ServiceRequest")
#: What cannot stand in a component of a CX.
_SEPARATORS: Final = re.compile(r"[\^&|~\\\x00-\x1f]")


class NotOurs(Exception):
    """The launch is about nobody, or nothing, that is known here. ``code`` is a word for the audit."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Disagrees(NotOurs):
    """What the launch names is of another patient than the launch."""


def asked(record: HealthRecord, answer: Mapping[str, Any], reader: Reader) -> Asked | None:
    """What the answer of the record's token address asks to be shown (SMART App Launch 2.2, section 2.1.6).

    None for a launch without a patient. Raises :class:`NotOurs`, and ``Unavailable`` when the record does not answer.
    """
    key = answer.get("patient")
    if key is None:
        return None
    patient = reader.read("Patient", key) if is_id(key) else None
    if patient is None:
        raise NotOurs("patient_not_given")
    found = {"patientID": [_number(record, patient)]}
    born = patient.get("birthDate")
    if isinstance(born, str) and len(born) == len("2000-01-01"):
        found["patientBirthDate"] = [born]
    uids, accessions = _named(record, answer.get("fhirContext"), str(key), reader)
    if not uids and not accessions:
        return {"requestType": ["PATIENT"], **found}
    # Each is enough: the request that images answer may be named beside them.
    named = {"studyUID": [",".join(uids)]} if uids else {"accessionNumber": [",".join(accessions)]}
    return {"requestType": ["STUDY"], **named, **found}


def _number(record: HealthRecord, patient: Resource) -> str:
    """The site's number of the patient as a CX (ID-1): the one in use, and one alone."""
    value = record.number_in(patient)
    if not value or _SEPARATORS.search(value) or len(value) > 64:
        raise NotOurs("no_number_of_the_site")
    return cx(record, value)


def cx(record: HealthRecord, value: str) -> str:
    """A number of the record's site, with its issuer by name and by OID."""
    site = record.site
    authority = f"{site.issuer_of_patient_id}&{site.issuer_oid}&ISO" if site.issuer_oid else site.issuer_of_patient_id
    return f"{value}^^^{authority}"


def _named(record: HealthRecord, context: object, patient: str, reader: Reader) -> tuple[list[str], list[str]]:
    """Study Instance UIDs and accession numbers of what stands in ``fhirContext``."""
    uids: list[str] = []
    accessions: list[str] = []
    for item in _objects(context)[:_MOST]:
        for one in _resources(record, item, patient, reader):
            uids += _uids(one)
            accessions += _accessions(one)
    return list(dict.fromkeys(uids)), list(dict.fromkeys(accessions))


def _resources(record: HealthRecord, item: Resource, patient: str, reader: Reader) -> Iterable[Resource]:
    """What one entry of the context means: by its identifier alone, or read from the record."""
    kind = item.get("type")
    if isinstance(item.get("identifier"), dict) and (kind in _SHOWN or kind is None):
        yield {"identifier": [item["identifier"]]}
        return
    reference = item.get("reference")
    if not isinstance(reference, str):
        return
    named, _slash, key = reference.removeprefix(f"{record.base}/").partition("/")
    if named not in _SHOWN or not is_id(key):
        return
    found = reader.read(named, key)
    if found is None:
        raise NotOurs("context_not_given")
    subject = found.get("subject")
    whose = subject.get("reference") if isinstance(subject, dict) else None
    if isinstance(whose, str) and whose.removeprefix(f"{record.base}/") != f"Patient/{patient}":
        raise Disagrees("context_of_another_patient")
    yield found


def _uids(resource: Resource) -> list[str]:
    return [
        str(one.get("value", "")).removeprefix("urn:oid:")
        for one in _objects(resource.get("identifier"))
        if one.get("system") == DICOM_UID
    ]


def _accessions(resource: Resource) -> list[str]:
    """Numbers of type ACSN (table 0203)."""
    found = []
    for one in _objects(resource.get("identifier")):
        kind = one.get("type")
        codes = _objects(kind.get("coding")) if isinstance(kind, dict) else []
        typed = any(
            code.get("code") == "ACSN" and str(code.get("system", "")) in {IDENTIFIER_TYPES, ""} for code in codes
        )
        value = one.get("value")
        if typed and isinstance(value, str) and value.strip() and "," not in value:
            found.append(value.strip())
    return found


def _objects(value: object) -> list[Resource]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
