"""The small parts of FHIR resources: texts, codes, concepts, identifiers, and the systems they are of (R4, section 2.24)."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any, Final

from accounts.invisible import string_of_fhir

Resource = dict[str, Any]

DCM: Final = "http://dicom.nema.org/resources/ontology/DCM"
LOINC: Final = "http://loinc.org"
SNOMED: Final = "http://snomed.info/sct"
URI: Final = "urn:ietf:rfc:3986"
DICOM_UID: Final = "urn:dicom:uid"
IDENTIFIER_TYPES: Final = "http://terminology.hl7.org/CodeSystem/v2-0203"
SECTIONS: Final = "http://terminology.hl7.org/CodeSystem/v2-0074"
CONNECTIONS: Final = "http://terminology.hl7.org/CodeSystem/endpoint-connection-type"
OBSERVATION_VALUES: Final = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"

_OID: Final = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number that somebody issued: by the OID of who issued it where that is known, otherwise by the name alone.

    ``type_code`` is of table 0203 (MR, NI, ACSN, PLAC, FILL); ``is_old`` says that it is not in use any more.
    """

    value: str
    oid: str = ""
    issuer: str = ""
    type_code: str = ""
    is_old: bool = False


def filled(resource: Resource) -> Resource:
    """Without what is empty: FHIR has no empty values."""
    return {name: value for name, value in resource.items() if value not in (None, "", [], {})}


def text(value: str) -> str:
    """A string as FHIR has it: no control characters but ends of lines, and never nothing but blanks (section 2.24.0.1)."""
    return string_of_fhir(value)


def code(value: str) -> str:
    """A code: single blanks within, none around."""
    return " ".join(text(value).split())


def coding(system: str, value: str, display: str = "") -> Resource:
    """One code of a system."""
    return filled({"system": system, "code": code(value), "display": text(display)})


def concept(system: str, value: str, display: str = "", *, words: str = "") -> Resource:
    """A concept of one code, and the words that somebody used for it."""
    return filled({"coding": [coding(system, value, display)], "text": text(words)})


def said(words: str) -> Resource:
    """A concept for which there are words alone; empty without any."""
    return filled({"text": text(words)})


def identifier(number: Number) -> Resource:
    """An Identifier. Empty for a number that says nothing."""
    value = text(number.value)
    if not value:
        return {}
    return filled(
        {
            "use": "old" if number.is_old else "",
            "type": concept(IDENTIFIER_TYPES, number.type_code) if number.type_code else {},
            "system": oid_uri(number.oid),
            "value": value,
            "assigner": filled({"display": text(number.issuer)}),
        }
    )


def oid_uri(oid: str) -> str:
    """An OID as a URI (RFC 3061); empty for what is none."""
    return f"urn:oid:{oid}" if _OID.fullmatch(oid) else ""


def study_identifier(study_instance_uid: str) -> Resource:
    """Study Instance UID as ImagingStudy has it (R4 ImagingStudy, section 9.7.4)."""
    return {"system": DICOM_UID, "value": f"urn:oid:{study_instance_uid}"}


def day(moment: dt.datetime, *, time_is_known: bool) -> str:
    """A dateTime: the date alone where the time of day was not told."""
    return moment.isoformat() if time_is_known else moment.date().isoformat()


def reference(address: str, display: str = "") -> Resource:
    """A Reference; empty without an address and a display."""
    return filled({"reference": address, "display": text(display)})
