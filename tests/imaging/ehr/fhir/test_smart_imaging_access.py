"""A program with a token of the health record sees the images of that token's patient, by search and by WADO-RS, and of nobody else.

SMART Imaging Access (FH-8), at the record that the tests run: real tokens of a real authorization server, introspected.
"""

import base64
import hashlib
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts.actor import Actor
from accounts.audit.models import AuditEvent
from accounts.labels import Label
from accounts.models import Department, OutboundHost, User
from imaging.ehr.models import HealthRecord, Hl7Peer, RegisteredPatient
from imaging.ehr.records import introspecting, tokens
from imaging.ehr.records.introspecting import granted
from imaging.studies import services as correction
from imaging.studies.models import Patient, Study
from tests.factories.accounts import issue_machine_key
from tests.fhir_judges import complaints
from tests.imaging.ehr.launching.conftest import _one_record, patient, provider, record, there
from tests.stand_in_record.running import StandInRecord

__all__ = ["_one_record", "provider", "record", "there"]

pytestmark = pytest.mark.django_db
Arrive = Callable[..., Study]
RITA = Actor(kind="user", id="7", name="rita")
READS = "patient/ImagingStudy.rs patient/Patient.rs"


@pytest.fixture
def trusted(there: StandInRecord, record: HealthRecord) -> StandInRecord:
    """The record, whose tokens are taken."""
    HealthRecord.objects.update(access=HealthRecord.Access.BACKEND, client_id="negatoscope-reader", accepts_tokens=True)
    there.knows(resources=[patient("p1", "P1"), patient("p2", "P2")])
    return there


def token(there: StandInRecord, *, scope: str = READS, **context: Any) -> str:
    """A token of a program that the record let in: code flow with PKCE, as SMART has it."""
    there.knows(launches={"app": {"patient": "p1", **context}})
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": "app",
        "redirect_uri": "http://localhost/app",
        "scope": f"openid launch {scope}",
        "state": "s",
        "launch": "app",
        "aud": there.base,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    with httpx.Client() as window:
        address = f"{there.issuer}/auth?{urlencode(asked)}"
        while not address.startswith("http://localhost/app"):
            answer = window.get(address)
            assert answer.is_redirect, answer.text
            address = str(answer.next_request.url) if answer.next_request else ""
        code = parse_qs(urlsplit(address).query)["code"][0]
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": "http://localhost/app",
            "client_id": "app",
            "code_verifier": verifier,
        }
        return str(window.post(f"{there.issuer}/token", data=form).json()["access_token"])


def ask(found: str, address: str, **headers: str) -> Any:
    return Client().get(address, headers={"Authorization": f"Bearer {found}", **headers})


def studies(found: str) -> list[str]:
    answer = ask(found, "/fhir/ImagingStudy")
    assert answer.status_code == 200, answer.content
    return [entry["resource"]["id"] for entry in answer.json().get("entry", [])]


def wado(study: Study) -> str:
    return f"/dicom-web/studies/{study.study_instance_uid}"


class TestSeen:
    def test_the_tokens_patient_is_found_and_fetched(
        self, client: Client, arrive: Arrive, trusted: StandInRecord
    ) -> None:
        study = arrive(PatientID="P1")
        other = arrive(PatientID="P2")
        found = token(trusted)
        assert studies(found) == [study.study_instance_uid]
        assert ask(found, wado(study), Accept='multipart/related; type="application/dicom"').status_code == 200
        assert ask(found, f"{wado(study)}/metadata", Accept="application/dicom+json").status_code == 200
        assert ask(found, f"/fhir/Patient/{study.patient_id}").status_code == 200
        assert other.study_instance_uid not in studies(found)

    def test_every_study_says_where_its_images_are_and_that_the_same_token_is_needed(
        self, client: Client, arrive: Arrive, trusted: StandInRecord
    ) -> None:
        study = arrive(PatientID="P1")
        answer = ask(token(trusted), "/fhir/ImagingStudy?_include=ImagingStudy:endpoint").json()
        found = {entry["resource"]["resourceType"]: entry["resource"] for entry in answer["entry"][:2]}
        uid = {"system": "urn:dicom:uid", "value": f"urn:oid:{study.study_instance_uid}"}
        assert uid in found["ImagingStudy"]["identifier"]
        assert found["Endpoint"]["address"].endswith("/dicom-web")
        assert found["Endpoint"]["extension"] == [
            {
                "url": "http://fhir.org/argonaut/smart-imaging/StructureDefinition/requires-access-token",
                "valueBoolean": True,
            }
        ]
        assert not complaints([entry["resource"] for entry in answer["entry"]])

    def test_where_tokens_come_from_is_told(self, client: Client, trusted: StandInRecord) -> None:
        told = client.get("/fhir/.well-known/smart-configuration").json()
        assert told["token_endpoint"] == f"{trusted.issuer}/token"
        assert "smart-imaging-access" in told["capabilities"]
        assert "patient/ImagingStudy.rs" in told["scopes_supported"]

    def test_who_looked_is_on_record_by_program(self, arrive: Arrive, trusted: StandInRecord) -> None:
        study = arrive(PatientID="P1")
        ask(token(trusted), f"{wado(study)}/metadata", Accept="application/dicom+json")
        event = AuditEvent.objects.filter(subject_uid=study.study_instance_uid, actor_kind="machine").last()
        assert event is not None
        assert (event.actor_id, event.actor_name) == ("record:record:app", "app")

    def test_a_machines_key_goes_on_as_before(
        self, arrive: Arrive, trusted: StandInRecord, emergency: Department
    ) -> None:
        study = arrive(PatientID="P2")
        key = issue_machine_key(emergency).plaintext
        assert studies(key) == [study.study_instance_uid]


class TestNotSeen:
    def test_a_study_of_another_patient_is_not_there(self, arrive: Arrive, trusted: StandInRecord) -> None:
        """Pitfall 27: 404 on search and WADO, also for a UID that somebody guessed."""
        arrive(PatientID="P1")
        other = arrive(PatientID="P2", PatientName="Roux^Jean")
        found = token(trusted)
        uid = other.study_instance_uid
        for address in (
            f"/fhir/ImagingStudy/{uid}",
            f"/fhir/Patient/{other.patient_id}",
            f"{wado(other)}/metadata",
            f"{wado(other)}/rendered",
            f"{wado(other)}/thumbnail",
        ):
            assert ask(found, address).status_code == 404, address
        assert ask(found, wado(other), Accept='multipart/related; type="application/dicom"').status_code == 404
        assert ask(found, f"/fhir/ImagingStudy?identifier=urn:oid:{uid}").json()["total"] == 0
        listed = ask(found, f"/dicom-web/studies?StudyInstanceUID={uid}", Accept="application/dicom+json")
        assert "Roux" not in listed.content.decode()

    def test_a_protected_study_is_neither_listed_nor_fetched(self, arrive: Arrive, trusted: StandInRecord) -> None:
        """The guide's teenager, whose parent holds the token."""
        study = arrive(PatientID="P1")
        hidden = arrive(PatientID="P1", AccessionNumber="A2")
        Study.objects.filter(pk=hidden.pk).update(sensitivity=Label.PROTECTED)
        found = token(trusted)
        assert studies(found) == [study.study_instance_uid]
        assert ask(found, f"{wado(hidden)}/metadata").status_code == 404

    def test_a_hidden_identity_has_no_images(self, arrive: Arrive, trusted: StandInRecord, register: Hl7Peer) -> None:
        study = arrive(PatientID="P1")
        RegisteredPatient.objects.create(
            patient=study.patient, peer=register, reliability=["CACH"], told_at=timezone.now()
        )
        assert studies(token(trusted)) == []

    def test_another_birth_date_is_another_person(self, arrive: Arrive, trusted: StandInRecord) -> None:
        arrive(PatientID="P1", PatientBirthDate="19800101")
        trusted.knows(resources=[patient("p1", "P1", birthDate="1948-05-05")])
        assert studies(token(trusted)) == []

    def test_who_the_images_were_first_filed_under_is_not_told(
        self, client: Client, alice: User, arrive: Arrive, trusted: StandInRecord
    ) -> None:
        """The program may be the patient's own: a corrected object does not name whoever it was taken for."""
        study = arrive(PatientID="P1", PatientComments="of Roux^Jean")
        correction.correct(study, {"00104000": {"vr": "LT", "Value": ["mended"]}}, reason="", actor=RITA)
        address, accept = f"{wado(study)}/metadata", {"Accept": "application/dicom+json"}
        client.force_login(alice)
        assert b"Roux" in client.get(address, headers=accept).content, "inside the hospital it is"
        told = ask(token(trusted), address, **accept)
        assert told.status_code == 200
        assert b"Roux" not in told.content

    @pytest.mark.parametrize("scope", ["patient/Patient.rs", "patient/ImagingStudy.r", "patient/Observation.rs"])
    def test_without_the_scope_nothing_opens(self, arrive: Arrive, trusted: StandInRecord, scope: str) -> None:
        study = arrive(PatientID="P1")
        found = token(trusted, scope=scope)
        assert ask(found, "/fhir/ImagingStudy").status_code == 401
        assert ask(found, f"{wado(study)}/metadata").status_code == 401

    def test_kinds_that_the_scope_does_not_name_are_refused(self, arrive: Arrive, trusted: StandInRecord) -> None:
        study = arrive(PatientID="P1")
        found = token(trusted, scope="patient/ImagingStudy.rs")
        assert ask(found, f"/fhir/Patient/{study.patient_id}").status_code == 403
        assert ask(found, "/fhir/ImagingStudy?_include=ImagingStudy:patient").status_code == 403
        assert ask(found, "/fhir/DiagnosticReport").status_code == 403
        assert ask(found, "/fhir/AuditEvent").status_code == 403

    def test_nothing_can_be_written_with_it(self, arrive: Arrive, trusted: StandInRecord) -> None:
        arrive(PatientID="P1")
        found = token(trusted)
        headers = {"Authorization": f"Bearer {found}"}
        answer = Client().post("/fhir/ServiceRequest", "{}", content_type="application/fhir+json", headers=headers)
        assert answer.status_code == 403
        body = b"--x\r\nContent-Type: application/dicom\r\n\r\nx\r\n--x--"
        kind = 'multipart/related; type="application/dicom"; boundary=x'
        assert Client().post("/dicom-web/studies", body, content_type=kind, headers=headers).status_code == 403

    def test_pages_and_the_interface_take_no_token(self, arrive: Arrive, trusted: StandInRecord) -> None:
        study = arrive(PatientID="P1")
        found = token(trusted)
        assert ask(found, f"/studies/{study.study_instance_uid}/").status_code in {302, 404}
        assert ask(found, "/api/v1/studies").status_code == 401


class TestTokens:
    def test_many_unknown_tokens_are_not_asked_about_for_ever(
        self, arrive: Arrive, trusted: StandInRecord, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each is a question to the record; programs with good tokens are not counted, however many come from one address."""
        asked: list[str] = []
        original = tokens.introspected

        def spy(row: HealthRecord, brought: str) -> dict[str, Any]:
            asked.append(brought)
            return original(row, brought)

        monkeypatch.setattr(tokens, "introspected", spy)
        monkeypatch.setattr(introspecting, "_UNKNOWN_PER_MINUTE", 3)
        arrive(PatientID="P1")
        good = token(trusted)
        for _time in range(5):
            introspecting.kept.take(f"ehr:token:{hashlib.sha256(good.encode()).hexdigest()}")
            assert studies(good)
        for number in range(8):
            assert ask(f"nobody-knows-{number}", "/fhir/ImagingStudy").status_code == 401
        assert len([one for one in asked if one.startswith("nobody")]) <= 4

    def test_a_token_that_was_taken_back_opens_nothing(self, arrive: Arrive, trusted: StandInRecord) -> None:
        arrive(PatientID="P1")
        found = token(trusted)
        httpx.post(f"{trusted.issuer}/token/revocation", data={"token": found, "client_id": "app"})
        assert ask(found, "/fhir/ImagingStudy").status_code == 401

    def test_the_records_word_is_asked_for_again(self, arrive: Arrive, trusted: StandInRecord) -> None:
        arrive(PatientID="P1")
        found = token(trusted)
        assert studies(found)
        httpx.post(f"{trusted.issuer}/token/revocation", data={"token": found, "client_id": "app"})
        cache.clear()
        assert ask(found, "/fhir/ImagingStudy").status_code == 401

    @pytest.mark.parametrize(
        "said", [{"exp": 1000}, {"patient": None}, {"patient": "../Patient/p1"}, {"active": "true"}, {"scope": ""}]
    )
    def test_what_the_record_does_not_say_opens_nothing(
        self, arrive: Arrive, trusted: StandInRecord, said: dict[str, Any]
    ) -> None:
        arrive(PatientID="P1")
        found = token(trusted)
        trusted.knows(introspection=said)
        assert ask(found, "/fhir/ImagingStudy").status_code == 401

    def test_a_record_that_is_away_opens_nothing(self, arrive: Arrive, trusted: StandInRecord) -> None:
        arrive(PatientID="P1")
        found = token(trusted)
        OutboundHost.objects.all().delete()
        assert ask(found, "/fhir/ImagingStudy").status_code == 401

    def test_without_the_box_no_token_is_taken_and_nobody_is_asked(
        self, client: Client, arrive: Arrive, trusted: StandInRecord
    ) -> None:
        arrive(PatientID="P1")
        found = token(trusted)
        HealthRecord.objects.update(accepts_tokens=False)
        assert ask(found, "/fhir/ImagingStudy").status_code == 401
        assert client.get("/fhir/.well-known/smart-configuration").status_code == 404

    def test_a_patient_who_is_not_here_has_no_images(self, trusted: StandInRecord) -> None:
        assert studies(token(trusted, patient="p2")) == []
        assert not Patient.objects.exists()


@pytest.mark.parametrize(
    ("scope", "kinds"),
    [
        ("patient/ImagingStudy.rs", ("ImagingStudy",)),
        ("patient/ImagingStudy.cruds patient/Patient.rs", ("ImagingStudy", "Patient")),
        ("patient/*.rs", ("ImagingStudy", "Patient")),
        ("patient/*.read", ("ImagingStudy", "Patient")),
        ("patient/ImagingStudy.*", ("ImagingStudy",)),
        ("patient/ImagingStudy.r", ()),
        ("patient/ImagingStudy.s", ()),
        ("patient/ImagingStudy.rs?modality=CT", ()),
        ("user/ImagingStudy.rs system/ImagingStudy.rs", ()),
        ("patient/imagingstudy.rs", ()),
        ("xpatient/ImagingStudy.rs", ()),
        (None, ()),
    ],
)
def test_what_a_scope_gives(scope: str | None, kinds: tuple[str, ...]) -> None:
    assert granted(scope) == kinds
