"""One event as FHIR AuditEvent (R4), in the shape of IHE's Basic Audit Log Patterns (BALP 1.1.4) where one fits.

A pattern is for what succeeded and has two ends on the network: reads, searches, changes, and disclosures at their source.
Everything else is an AuditEvent with DICOM's own codes.
"""

import base64
import ipaddress
import json
from datetime import UTC
from typing import Any, Final

from accounts.audit import dicom_codes
from accounts.audit.actions import Outcome
from accounts.audit.dicom_codes import Code, Coded, coded
from accounts.audit.formats import source
from accounts.audit.models import AuditEvent
from accounts.invisible import shown_in_json, string_of_fhir

_DCM: Final = "http://dicom.nema.org/resources/ontology/DCM"
_TERMS: Final = "http://terminology.hl7.org/CodeSystem"
_PROFILES: Final = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit"
_ENTITY_TYPES: Final = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"
#: Value set audit-event-outcome.
OUTCOMES: Final = {Outcome.SUCCESS.value: "0", Outcome.REFUSED.value: "4", Outcome.FAILED.value: "8"}

#: Action code to pattern, RESTful interaction, and what the user is to the data.
_PATTERNS: Final = {
    "R": ("Read", "read", ("IRCP", "information recipient")),
    "C": ("Create", "create", ("AUT", "author (originator)")),
    "U": ("Update", "update", ("AUT", "author (originator)")),
    "D": ("Delete", "delete", ("AUT", "author (originator)")),
}
_RECORDS: Final = frozenset(
    {
        dicom_codes.INSTANCES_ACCESSED,
        dicom_codes.INSTANCES_TRANSFERRED,
        dicom_codes.PATIENT_RECORD,
        dicom_codes.PROCEDURE_RECORD,
    }
)


def line(event: AuditEvent) -> bytes:
    """Return the event as one line of NDJSON."""
    return shown_in_json(json.dumps(resource(event), ensure_ascii=False)).encode("utf-8", "replace") + b"\n"


def resource(event: AuditEvent) -> dict[str, Any]:
    """Return the event as a resource."""
    told = coded(event.action)
    made = _pattern(event, told)
    body: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": str(event.id),
        "type": _dcm(told.event),
        "subtype": [_dcm(kind) for kind in told.types],
        "action": told.action,
        "recorded": event.at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "outcome": OUTCOMES.get(event.outcome, "8"),
        "outcomeDesc": event.action,
        "agent": [_actor(event)],
        "source": {"site": source.host(), "observer": _portal_itself(), "type": [_coding("security-source-type", "4")]},
        "entity": _entities(event, told),
    }
    if made:
        body |= made
        body["agent"] = [*made["agent"], _user(event, told)]
    if not body["subtype"]:
        del body["subtype"]
    cleaned: dict[str, Any] = _clean(body)
    return cleaned


def _pattern(event: AuditEvent, told: Coded) -> dict[str, Any]:
    """Return what the pattern says of the event, if one fits."""
    if event.outcome != Outcome.SUCCESS or not event.address or not event.actor_id:
        return {}
    whose = "Patient" if event.patient_id else ""
    rest = _coding("audit-event-type", "rest", "Restful Operation")
    if told.event == dicom_codes.QUERY:
        ends = _ends(event, client="110153", server="110152")
        kinds = [_rest_of("search"), _dcm(told.event)]
        return {"meta": _profile(f"{whose}Query"), "type": rest, "subtype": kinds, "agent": ends}
    if told.event == dicom_codes.EXPORT and event.patient_id and event.subject_uid:
        kinds = [_coding("iso-21089-lifecycle", "disclose", "Disclose Record Lifecycle Event"), *map(_dcm, told.types)]
        ends = _ends(event, client="110152", server="110153")
        return {"meta": _profile("PrivacyDisclosure.Source"), "subtype": kinds, "agent": ends}
    # What comes over the DICOM network is no RESTful interaction.
    if told.event in _RECORDS and event.subject_uid and event.door not in {"dimse", ""}:
        name, interaction, _role = _PATTERNS[told.action]
        reads = told.action == "R"
        ends = _ends(event, client="110152" if reads else "110153", server="110153" if reads else "110152")
        kinds = [_rest_of(interaction), _dcm(told.event)]
        return {"meta": _profile(f"{whose}{name}"), "type": rest, "subtype": kinds, "agent": ends}
    return {}


def _profile(name: str) -> dict[str, list[str]]:
    return {"profile": [f"{_PROFILES}.{name}"]}


def _ends(event: AuditEvent, *, client: str, server: str) -> list[dict[str, Any]]:
    """Return both ends of the connection; DICOM has the client as source of a question, and as destination of data."""
    meanings = {"110152": "Destination Role ID", "110153": "Source Role ID"}
    return [
        {
            "type": {"coding": [_dcm(Code(client, meanings[client]))]},
            "who": {"display": event.address},
            "requestor": False,
            "network": _network(event.address),
        },
        {
            "type": {"coding": [_dcm(Code(server, meanings[server]))]},
            "who": _portal_itself(),
            "requestor": False,
            "network": {"address": source.host(), "type": "1"},
        },
    ]


def _user(event: AuditEvent, told: Coded) -> dict[str, Any]:
    code, meaning = _PATTERNS.get(told.action, _PATTERNS["R"])[2]
    agent = _actor(event)
    # Users are not devices on a network.
    agent.pop("network", None)
    agent["type"] = {"coding": [_coding("v3-ParticipationType", code, meaning)]}
    return agent


def _actor(event: AuditEvent) -> dict[str, Any]:
    identity = event.actor_id or "anonymous"
    agent: dict[str, Any] = {
        "who": {
            "identifier": {"system": f"urn:negatoscope:{event.actor_kind}", "value": identity},
            "display": event.actor_name or identity,
        },
        "altId": identity,
        "name": event.actor_name or identity,
        "requestor": True,
    }
    if event.departments:
        agent["role"] = [{"text": code} for code in event.departments]
    if event.address:
        agent["network"] = _network(event.address)
    return agent


def _network(address: str) -> dict[str, str]:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return {"address": address, "type": "1"}
    return {"address": address, "type": "2"}


def _portal_itself() -> dict[str, Any]:
    return {"identifier": {"system": "urn:negatoscope:portal", "value": source.host()}, "display": source.APPLICATION}


def _entities(event: AuditEvent, told: Coded) -> list[dict[str, Any]]:
    found = [_subject(event, told)]
    if event.patient_id:
        system = f"urn:negatoscope:issuer:{event.issuer_of_patient_id}" if event.issuer_of_patient_id else None
        number = {**({"system": system} if system else {}), "value": event.patient_id}
        found.append(
            {
                "what": {"type": "Patient", "identifier": number},
                "type": _coding("audit-entity-type", "1", "Person"),
                "role": _coding("object-role", "1", "Patient"),
            }
        )
    if event.request_id:
        found.append(
            {
                "what": {"identifier": {"value": event.request_id}},
                "type": {"system": _ENTITY_TYPES, "code": "XrequestId"},
            }
        )
    return found


def _subject(event: AuditEvent, told: Coded) -> dict[str, Any]:
    told_so = _coding("audit-entity-type", "2", "System Object")
    if told.event == dicom_codes.QUERY:
        asked = json.dumps(event.detail, ensure_ascii=False, sort_keys=True)
        query = base64.b64encode(asked.encode("utf-8", "replace")).decode("ascii")
        return {"type": told_so, "role": _coding("object-role", "24", "Query"), "query": query}
    entity: dict[str, Any] = {
        "what": {"identifier": _identifier(event), "display": event.subject_type or source.APPLICATION},
        "type": told_so,
        "role": _coding("object-role", "4", "Domain Resource"),
    }
    details = [{"type": name, "valueString": _text(value)} for name, value in event.detail.items() if _text(value)]
    if event.door:
        details.append({"type": "door", "valueString": event.door})
    if details:
        entity["detail"] = details
    return entity


def _identifier(event: AuditEvent) -> dict[str, str]:
    if event.subject_type in {"study", "series", "instance"} and event.subject_uid:
        return {"system": "urn:dicom:uid", "value": f"urn:oid:{event.subject_uid}"}
    kind = event.subject_type or "portal"
    return {"system": f"urn:negatoscope:{kind}", "value": event.subject_uid or kind}


def _text(value: Any) -> str:
    return (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)).strip()


def _clean(value: Any) -> Any:
    """Return the value without what a FHIR string may not hold: control characters, or nothing but blanks."""
    if isinstance(value, str):
        return string_of_fhir(value) or "\N{REPLACEMENT CHARACTER}"
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return {name: _clean(item) for name, item in value.items()} if isinstance(value, dict) else value


def _rest_of(interaction: str) -> dict[str, str]:
    return {"system": "http://hl7.org/fhir/restful-interaction", "code": interaction, "display": interaction}


def _dcm(code: Code) -> dict[str, str]:
    return {"system": _DCM, "code": code.value, "display": code.meaning}


def _coding(scheme: str, code: str, meaning: str = "") -> dict[str, str]:
    return {"system": f"{_TERMS}/{scheme}", "code": code, **({"display": meaning} if meaning else {})}
