"""What leaves the audit: DICOM's own messages, FHIR resources, lines of JSON; for every action, and for hostile text."""

import base64
import json
import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.auditevent import AuditEvent as Resource
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from accounts.audit import dicom_codes
from accounts.audit.actions import Action, Outcome
from accounts.audit.formats import dicom_xml, fhir, json_lines, syslog
from accounts.audit.models import AuditEvent, uuid7

SCHEMA = etree.RelaxNG(etree.parse(str(Path(__file__).with_name("dicom_audit_message.rng"))))
ACTIONS = pytest.mark.parametrize("action", list(Action))


def event(action: Action = Action.STUDY_OPENED, **more: Any) -> AuditEvent:
    """A row as the table has it; nothing is asked of the database."""
    row: dict[str, Any] = {
        "id": uuid7(),
        "number": 7,
        "at": datetime(2026, 11, 22, 8, 30, 1, 234567, tzinfo=UTC),
        "action": action.value,
        "outcome": Outcome.SUCCESS.value,
        "actor_kind": "user",
        "actor_id": "12",
        "actor_name": "radiologist",
        "address": "10.20.0.7",
        "door": "page",
        "request_id": "abc",
        "subject_type": "study",
        "subject_uid": "1.2.840.1",
        "patient_id": "MRN1",
        "issuer_of_patient_id": "CHU",
        "departments": ["radiology"],
        "detail": {"purpose": "open"},
    }
    return AuditEvent(**{**row, **more})


def parsed(row: AuditEvent) -> Any:
    """The message, after the schema of the standard has accepted it."""
    root = etree.fromstring(dicom_xml.message(row))
    assert SCHEMA.validate(root), SCHEMA.error_log
    return root


def codes(root: Any, path: str) -> list[str]:
    return [found.get("csd-code") for found in root.findall(path)]


def test_every_action_has_its_code_in_dicom() -> None:
    assert set(dicom_codes.CODES) == set(Action)
    for action, told in dicom_codes.CODES.items():
        assert told.event in dicom_codes.EVENTS, action
        assert told.action in dicom_codes.ALLOWED_ACTIONS[told.event], action


def test_codes_are_used_once() -> None:
    known = [value for value in vars(dicom_codes).values() if isinstance(value, dicom_codes.Code)]
    assert len({code.value for code in known}) == len(known)


@ACTIONS
def test_every_action_is_a_message_that_the_standard_s_schema_accepts(action: Action) -> None:
    root = parsed(event(action))
    told = dicom_codes.CODES[action]
    assert codes(root, "EventIdentification/EventID") == [told.event.value]
    assert root.find("EventIdentification").get("EventActionCode") == told.action
    # Nothing known but the action: what the system does by itself.
    parsed(event(action, actor_kind="system", actor_id="system", address="", subject_type="", subject_uid="",
                 patient_id="", issuer_of_patient_id="", departments=[], request_id="", door="", detail={}))  # fmt: skip


@ACTIONS
def test_every_action_is_a_fhir_resource(action: Action) -> None:
    for row in (event(action), event(action, outcome="refused"), event(action, address="", patient_id="", detail={})):
        Resource.model_validate(fhir.resource(row))
        assert json.loads(json_lines.line(row))["action"] == action.value


def test_a_study_that_was_opened_names_reader_study_and_patient() -> None:
    root = parsed(event())
    actor, portal = root.findall("ActiveParticipant")
    assert (actor.get("UserID"), actor.get("NetworkAccessPointID"), actor.get("UserIsRequestor")) == (
        "radiologist",
        "10.20.0.7",
        "true",
    )
    assert portal.get("UserID") == "negatoscope"
    study, patient = root.findall("ParticipantObjectIdentification")
    assert (study.get("ParticipantObjectID"), codes(study, "ParticipantObjectIDTypeCode")) == ("1.2.840.1", ["110180"])
    assert patient.get("ParticipantObjectID") == "MRN1^^^CHU"
    details = {
        found.get("type"): base64.b64decode(found.get("value")).decode()
        for found in study.findall("ParticipantObjectDetail")
    }
    assert details["Departments"] == '["radiology"]'
    assert len(details["EventUUID"]) == 36


@pytest.mark.parametrize(
    ("action", "event_id", "types"),
    [
        (Action.PORTAL_STARTED, "110100", ["110120"]),
        (Action.PORTAL_STOPPED, "110100", ["110121"]),
        (Action.AUDIT_READ, "110101", []),
        (Action.STUDY_OPENED, "110103", []),
        (Action.INSTANCES_RECEIVED, "110104", []),
        (Action.STUDY_EXPORTED, "110106", []),
        (Action.IMPORT_FINISHED, "110107", []),
        (Action.ASSOCIATION_ACCEPTED, "110108", ["110124"]),
        (Action.PATIENT_CORRECTED, "110110", []),
        (Action.STUDY_CORRECTED, "110111", []),
        (Action.STUDIES_QUERIED, "110112", []),
        (Action.EMERGENCY_STARTED, "110113", ["110127"]),
        (Action.EMERGENCY_ENDED, "110113", ["110138"]),
        (Action.GRANT_STARTED, "110113", ["110135"]),
        (Action.MEMBERSHIP_STARTED, "110113", ["110136"]),
        (Action.USER_DISABLED, "110113", ["110137"]),
        (Action.MACHINE_REFUSED, "110113", ["110126"]),
        (Action.USER_SIGNED_IN, "110114", ["110122"]),
        (Action.USER_SIGNED_OUT, "110114", ["110123"]),
    ],
)
def test_events_carry_the_standard_s_codes(action: Action, event_id: str, types: list[str]) -> None:
    root = parsed(event(action))
    assert codes(root, "EventIdentification/EventID") == [event_id]
    assert codes(root, "EventIdentification/EventTypeCode") == types


def test_who_stores_is_the_source_and_who_retrieves_the_destination() -> None:
    stored = parsed(event(Action.INSTANCES_RECEIVED, actor_kind="application_entity", actor_id="CT1", door="dimse"))
    assert codes(stored, "ActiveParticipant/RoleIDCode") == ["110153", "110152"]
    assert stored.find("ActiveParticipant").get("AlternativeUserID") == "AETITLES=CT1"
    assert codes(parsed(event(Action.INSTANCES_RETRIEVED)), "ActiveParticipant/RoleIDCode") == ["110152", "110153"]
    exported = parsed(event(Action.STUDY_EXPORTED))
    assert codes(exported, "ActiveParticipant/RoleIDCode") == ["110152", "110153", "110154"]


@pytest.mark.parametrize(("outcome", "indicator"), [("success", "0"), ("refused", "4"), ("failed", "8")])
def test_the_outcome_is_told_as_the_standard_does(outcome: str, indicator: str) -> None:
    root = parsed(event(outcome=outcome))
    assert root.find("EventIdentification").get("EventOutcomeIndicator") == indicator
    assert fhir.resource(event(outcome=outcome))["outcome"] == indicator


def test_a_question_is_told_as_it_was_asked() -> None:
    root = parsed(event(Action.STUDIES_QUERIED, subject_uid="", detail={"name": "MÜLLER*"}))
    query = root.find("ParticipantObjectIdentification/ParticipantObjectQuery")
    assert json.loads(base64.b64decode(query.text)) == {"name": "MÜLLER*"}


def test_a_line_of_syslog_counts_its_octets_and_says_whose_message_it_is() -> None:
    framed = syslog.frame(event(detail={"reason": "Ünïcode"}))
    length, _, line = framed.partition(b" ")
    assert int(length) == len(line)
    header, _, content = line.partition(b" \xef\xbb\xbf")
    assert header.startswith(b"<85>1 2026-11-22T08:30:01.234567Z ")
    assert header.endswith(b" IHE+RFC-3881 -")
    assert SCHEMA.validate(etree.fromstring(content))
    assert syslog.message(event(outcome="refused")).startswith(b"<84>1 ")


def profile_of(**more: Any) -> str:
    body = fhir.resource(event(**more))
    return str(body.get("meta", {}).get("profile", [""])[0]).rpartition("IHE.BasicAudit.")[2]


def test_patterns_are_used_where_they_fit() -> None:
    assert profile_of() == "PatientRead"
    assert profile_of(patient_id="") == "Read"
    assert profile_of(action=Action.STUDIES_QUERIED, patient_id="") == "Query"
    assert profile_of(action=Action.STUDIES_QUERIED) == "PatientQuery"
    assert profile_of(action=Action.STUDY_EXPORTED) == "PrivacyDisclosure.Source"
    assert profile_of(action=Action.STUDY_CORRECTED) == "PatientUpdate"
    assert profile_of(action=Action.PATIENT_CREATED) == "PatientCreate"
    # Not what the patterns are about: refusals, the DICOM network, the system's own work, sign-in.
    assert profile_of(outcome="refused") == ""
    assert profile_of(action=Action.INSTANCES_RETRIEVED, door="dimse") == ""
    assert profile_of(address="") == ""
    assert profile_of(action=Action.USER_SIGNED_IN) == ""


def test_a_read_of_a_patient_keeps_what_its_pattern_demands() -> None:
    body = fhir.resource(event())
    assert body["type"]["code"] == "rest"
    assert ("http://hl7.org/fhir/restful-interaction", "read") in {(k["system"], k["code"]) for k in body["subtype"]}
    assert (body["action"], body["outcome"]) == ("R", "0")
    client, server, user = body["agent"]
    assert [part["type"]["coding"][0]["code"] for part in (client, server, user)] == ["110152", "110153", "IRCP"]
    assert client["network"] == {"address": "10.20.0.7", "type": "2"}
    assert server["who"] == body["source"]["observer"]
    assert user["requestor"] is True
    assert "network" not in user
    data, patient, transaction = body["entity"]
    assert (data["type"]["code"], data["role"]["code"]) == ("2", "4")
    assert (patient["type"]["code"], patient["role"]["code"], patient["what"]["type"]) == ("1", "1", "Patient")
    assert transaction["type"]["code"] == "XrequestId"


def test_a_disclosure_comes_from_this_portal_and_says_so() -> None:
    body = fhir.resource(event(Action.STUDY_EXPORTED))
    assert body["type"]["code"] == "110106"
    assert "disclose" in {kind["code"] for kind in body["subtype"]}
    recipient, origin = body["agent"][:2]
    assert recipient["type"]["coding"][0]["code"] == "110152"
    assert origin["who"] == body["source"]["observer"]
    assert origin["network"]


HOSTILE = st.text(st.characters(codec=None, exclude_characters="\x00", exclude_categories=["Cs"]), max_size=60)


@given(HOSTILE, st.dictionaries(HOSTILE, HOSTILE | st.none() | st.lists(HOSTILE, max_size=2), max_size=3))
def test_hostile_text_breaks_no_format(text: str, detail: dict[str, Any]) -> None:
    row = event(actor_name=text, patient_id=text, subject_uid=text, address=text, issuer_of_patient_id=text,
                request_id=text, detail=detail)  # fmt: skip
    parsed(row)
    Resource.model_validate(fhir.resource(row))
    for line in (json_lines.line(row), fhir.line(row)):
        assert line.count(b"\n") == 1
    assert int(syslog.frame(row).partition(b" ")[0]) == len(syslog.frame(row).partition(b" ")[2])


def test_what_no_reader_sees_is_seen_in_every_export() -> None:
    """A forged line, an order to a terminal, a name that reads backwards: said, and harmless to whoever looks at the file."""
    sent = "a\r\n<85>1 forged\x1b[2J\x9b2J\u2028b\u202egpj.exe\u200b%s{0}"
    row = event(
        actor_name=sent, patient_id=sent, subject_uid=sent, address=sent, request_id=sent, detail={sent: [sent]}
    )
    written = (json_lines.line(row), fhir.line(row), dicom_xml.line(row), syslog.message(row))
    for line in written:
        text = line.decode().removesuffix("\n").replace("\ufeff", "")
        assert not [char for char in text if unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp"}], text
        assert len(text.splitlines()) == 1
    assert json.loads(written[0])["actor_name"] == sent, "and nothing of it is lost"
    assert json.loads(written[0])["detail"] == {sent: [sent]}
    assert sent.replace("\x1b", "\ufffd") in set(parsed(row).find("ActiveParticipant").attrib.values()) | {
        value for one in parsed(row).iter() for value in one.attrib.values()
    }
