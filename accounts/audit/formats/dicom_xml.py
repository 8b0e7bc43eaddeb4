"""One event as DICOM audit message (PS3.15, section A.5.1, schema; A.5.2, conventions; A.5.3, events)."""

import base64
import json
import re
from collections.abc import Iterator
from datetime import UTC
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, tostring

from accounts.audit import dicom_codes
from accounts.audit.actions import Outcome
from accounts.audit.dicom_codes import Code, Coded, coded
from accounts.audit.formats import source
from accounts.audit.models import AuditEvent
from accounts.invisible import shown_in_xml

#: EventOutcomeIndicator.
_OUTCOMES: Final = {Outcome.SUCCESS.value: "0", Outcome.REFUSED.value: "4", Outcome.FAILED.value: "8"}
_APPLICATION: Final = Code("110150", "Application")
_DESTINATION: Final = Code("110152", "Destination Role ID")
_SOURCE: Final = Code("110153", "Source Role ID")
_DESTINATION_MEDIA: Final = Code("110154", "Destination Media")
_SOURCE_MEDIA: Final = Code("110155", "Source Media")
_URI: Final = Code("110037", "URI")
_STUDY: Final = Code("110180", "Study Instance UID")
#: Types of identifier that DICOM took over from RFC 3881.
_PATIENT_NUMBER: Final = Code("2", "Patient Number")
_SEARCH: Final = Code("10", "Search Criteria")
_USER_ID: Final = Code("11", "User Identifier")
_URI_ID: Final = Code("12", "URI")

#: What the actor is in an event, where its section of A.5.3 says so, and what this portal is then.
_ROLES: Final = {
    dicom_codes.INSTANCES_ACCESSED: (None, _APPLICATION),
    dicom_codes.QUERY: (_SOURCE, _DESTINATION),
    dicom_codes.EXPORT: (_DESTINATION, _SOURCE),
    dicom_codes.IMPORT: (_SOURCE, _DESTINATION),
}
#: Characters that no XML 1.0 may hold, escaped or not (W3C XML 1.0, section 2.2).
_NO_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def message(event: AuditEvent) -> bytes:
    """Return the event as an AuditMessage, in UTF-8, without a declaration or a line's end: it goes into a line of syslog."""
    told = coded(event.action)
    root = Element("AuditMessage")
    _identify(SubElement(root, "EventIdentification"), event, told)
    for participant in _participants(event, told):
        root.append(participant)
    origin = _element(
        "AuditSourceIdentification", AuditEnterpriseSiteID=source.host(), AuditSourceID=source.APPLICATION
    )
    SubElement(origin, "AuditSourceTypeCode", {"csd-code": "4"})
    root.append(origin)
    for thing in _objects(event, told):
        root.append(thing)
    return shown_in_xml(tostring(root, encoding="unicode")).encode("utf-8", "replace")


def line(event: AuditEvent) -> bytes:
    """Return the message as a line of its own."""
    return message(event) + b"\n"


def _identify(place: Element, event: AuditEvent, told: Coded) -> None:
    place.attrib.update(
        EventActionCode=told.action,
        EventDateTime=event.at.astimezone(UTC).isoformat(timespec="milliseconds"),
        EventOutcomeIndicator=_OUTCOMES.get(event.outcome, "8"),
    )
    place.append(_code("EventID", told.event))
    for kind in told.types:
        place.append(_code("EventTypeCode", kind))
    described = SubElement(place, "EventOutcomeDescription")
    described.text = _clean(f"{event.action}: {event.outcome}")


def _participants(event: AuditEvent, told: Coded) -> Iterator[Element]:
    actor_role, own_role = _ROLES.get(told.event, (None, _APPLICATION))
    if told.event == dicom_codes.INSTANCES_TRANSFERRED:
        # Objects flow to who reads, and from who stores (A.5.3.7).
        actor_role, own_role = (_DESTINATION, _SOURCE) if told.action == "R" else (_SOURCE, _DESTINATION)
    yield _actor(event, actor_role)
    yield _portal(event, own_role)
    if told.event == dicom_codes.EXPORT:
        yield _medium(event, _DESTINATION_MEDIA)
    elif told.event == dicom_codes.IMPORT:
        yield _medium(event, _SOURCE_MEDIA)


def _actor(event: AuditEvent, role: Code | None) -> Element:
    place = _element("ActiveParticipant", UserID=event.actor_name or event.actor_id or "anonymous")
    if event.actor_kind == "application_entity":
        # A.5.2.2
        place.set("AlternativeUserID", _clean(f"AETITLES={event.actor_id}"))
    elif event.actor_id:
        place.set("AlternativeUserID", _clean(f"{event.actor_kind}:{event.actor_id}"))
    place.set("UserIsRequestor", "true")
    if event.address:
        place.set("NetworkAccessPointID", _clean(event.address))
        place.set("NetworkAccessPointTypeCode", "2")
    if role is not None:
        place.append(_code("RoleIDCode", role))
    return place


def _portal(event: AuditEvent, role: Code) -> Element:
    place = _element(
        "ActiveParticipant",
        UserID=source.APPLICATION,
        UserIsRequestor="false",
        NetworkAccessPointID=source.host(),
        NetworkAccessPointTypeCode="1",
    )
    place.append(_code("RoleIDCode", role))
    return place


def _medium(event: AuditEvent, role: Code) -> Element:
    place = _element("ActiveParticipant", UserID=event.door or "portal", UserIsRequestor="false")
    place.append(_code("RoleIDCode", role))
    SubElement(place, "MediaIdentifier").append(_code("MediaType", _URI))
    return place


def _objects(event: AuditEvent, told: Coded) -> Iterator[Element]:
    first = _subject(event, told)
    for name, value in _details(event):
        SubElement(first, "ParticipantObjectDetail", {"type": _clean(name), "value": _base64(value)})
    yield first
    if event.patient_id and event.subject_type != "patient":
        yield _patient(event)


def _subject(event: AuditEvent, told: Coded) -> Element:
    uid = event.subject_uid
    if told.event == dicom_codes.QUERY:
        asked = json.dumps(event.detail, ensure_ascii=False, sort_keys=True)
        return _thing(uid or "query", _SEARCH, type_code="2", role="24", query=asked)
    if event.subject_type == "patient" and event.patient_id:
        return _patient(event)
    if event.subject_type == "study":
        return _thing(uid or "unknown", _STUDY, type_code="2", role="3", name=f"Study {uid}")
    if event.subject_type == "user":
        return _thing(uid or "unknown", _USER_ID, type_code="1", role="11", name=f"User {uid}")
    if event.subject_type == "audit":
        address = f"https://{source.host()}/admin/accounts/auditevent/"
        return _thing(address, _URI_ID, type_code="2", role="13", name="Security Audit Log")
    kind = event.subject_type or "portal"
    return _thing(
        f"urn:negatoscope:{kind}:{uid}" if uid else f"urn:negatoscope:{kind}",
        _URI_ID,
        type_code="2",
        role="13" if told.event == dicom_codes.SECURITY_ALERT else "3",
        name=f"{kind} {uid}".strip(),
    )


def _patient(event: AuditEvent) -> Element:
    number = f"{event.patient_id}^^^{event.issuer_of_patient_id}" if event.issuer_of_patient_id else event.patient_id
    # The audit keeps no names of patients.
    return _thing(number, _PATIENT_NUMBER, type_code="1", role="1", name=f"Patient {number}")


def _thing(number: str, kind: Code, *, type_code: str, role: str, name: str = "", query: str = "") -> Element:
    place = _element(
        "ParticipantObjectIdentification",
        ParticipantObjectID=number,
        ParticipantObjectTypeCode=type_code,
        ParticipantObjectTypeCodeRole=role,
    )
    place.append(_code("ParticipantObjectIDTypeCode", kind, scheme="DCM" if kind is _STUDY else "RFC-3881"))
    said = SubElement(place, "ParticipantObjectQuery" if query else "ParticipantObjectName")
    said.text = _base64(query) if query else _clean(name)
    return place


def _details(event: AuditEvent) -> Iterator[tuple[str, Any]]:
    """Return what has no place of its own: the event's own name first, by which a receiver knows one that came twice."""
    yield "EventUUID", str(event.id)
    yield "Action", event.action
    for name, value in (("Door", event.door), ("Request", event.request_id), ("Departments", event.departments)):
        if value:
            yield name, value
    yield from event.detail.items()


def _element(tag: str, **attributes: str) -> Element:
    return Element(tag, {name: _clean(value) for name, value in attributes.items()})


def _code(tag: str, code: Code, *, scheme: str = "DCM") -> Element:
    return Element(tag, {"csd-code": code.value, "codeSystemName": scheme, "originalText": code.meaning})


def _base64(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return base64.b64encode(text.encode("utf-8", "replace")).decode("ascii")


def _clean(text: str) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)
