"""The record launches us (SMART App Launch 2.2; LA-3): who is signed in there lands on the images of the patient there, or on none."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from accounts.audit import Action
from accounts.audit.models import AuditEvent
from accounts.models import Department, IdentityProvider, OutboundHost, User
from imaging.ehr.models import HealthRecord
from imaging.fhir.values import Resource
from imaging.studies.models import Study
from tests.imaging.ehr.conftest import OID
from tests.imaging.ehr.launching.conftest import Opens, patient
from tests.stand_in_record.running import StandInRecord

pytestmark = pytest.mark.django_db
Arrive = Callable[..., Study]


def who(browser: Client) -> str:
    key = browser.session.get("_auth_user_id")
    return User.objects.get(pk=key).username if key else ""


def landed(browser: Client, answer: Any) -> Any:
    """Where the browser ends up."""
    assert (answer.status_code, answer["Location"]) == (302, "/IHEInvokeImageDisplay/continue"), answer.content.decode()
    return browser.get(answer["Location"])


def viewer(study: Study) -> str:
    return f"{reverse('viewer:viewer', args=[study.study_instance_uid])}?record"


def imaging_study(key: str, study: Study, subject: str = "Patient/p1") -> Resource:
    return {
        "resourceType": "ImagingStudy",
        "id": key,
        "status": "available",
        "subject": {"reference": subject},
        "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:{study.study_instance_uid}"}],
    }


class TestLanding:
    def test_who_opens_a_patient_there_is_signed_in_here_and_sees_the_images(
        self, client: Client, arrive: Arrive, there: StandInRecord, opens: Opens
    ) -> None:
        study = arrive(PatientID="P1")
        there.knows(resources=[patient("p1", "P1")])
        answer = landed(client, opens(client, patient="p1"))
        assert answer["Location"] == viewer(study)
        assert who(client) == "anna"

    def test_the_question_names_the_record_its_ticket_and_pkce(
        self, client: Client, there: StandInRecord, record: HealthRecord
    ) -> None:
        away = client.get("/launch", {"iss": there.base, "launch": "ticket-1"})
        asked = {name: values[0] for name, values in parse_qs(urlsplit(away["Location"]).query).items()}
        assert (asked["aud"], asked["launch"]) == (there.base, "ticket-1")
        assert asked["code_challenge_method"] == "S256"
        assert {"openid", "fhirUser", "launch", "patient/ImagingStudy.r"} <= set(asked["scope"].split())
        assert asked["redirect_uri"] == "http://testserver/launch/record/callback"

    def test_the_study_that_the_record_names_is_the_one_that_opens(
        self, client: Client, arrive: Arrive, there: StandInRecord, opens: Opens
    ) -> None:
        arrive(PatientID="P1")
        second = arrive(PatientID="P1", AccessionNumber="A2")
        there.knows(resources=[patient("p1", "P1"), imaging_study("i1", second)])
        context = [{"reference": "ImagingStudy/i1"}]
        assert landed(client, opens(client, patient="p1", fhirContext=context))["Location"] == viewer(second)

    def test_an_order_opens_the_images_of_its_accession_number(
        self, client: Client, arrive: Arrive, there: StandInRecord, opens: Opens
    ) -> None:
        arrive(PatientID="P1", AccessionNumber="A1")
        study = arrive(PatientID="P1", AccessionNumber="A2")
        order = {
            "resourceType": "ServiceRequest",
            "id": "o1",
            "status": "active",
            "intent": "order",
            "subject": {"reference": f"{there.base}/Patient/p1"},
            "identifier": [{"type": {"coding": [{"code": "ACSN"}]}, "value": "A2"}, {"value": "other"}],
        }
        there.knows(resources=[patient("p1", "P1"), order])
        context = [{"reference": "ServiceRequest/o1"}]
        assert landed(client, opens(client, patient="p1", fhirContext=context))["Location"] == viewer(study)

    def test_images_may_be_named_by_their_uid_alone(
        self, client: Client, arrive: Arrive, there: StandInRecord, opens: Opens
    ) -> None:
        study = arrive(PatientID="P1")
        arrive(PatientID="P1", AccessionNumber="A2")
        there.knows(resources=[patient("p1", "P1")])
        named = {"system": "urn:dicom:uid", "value": f"urn:oid:{study.study_instance_uid}"}
        context = [{"type": "ImagingStudy", "identifier": named}]
        assert landed(client, opens(client, patient="p1", fhirContext=context))["Location"] == viewer(study)

    def test_without_a_ticket_the_record_is_asked_which_patient(
        self, client: Client, arrive: Arrive, there: StandInRecord, record: HealthRecord, opens: Opens
    ) -> None:
        study = arrive(PatientID="P1")
        there.knows(resources=[patient("p1", "P1")])
        away = client.get("/launch", {"iss": there.base})
        scope = parse_qs(urlsplit(away["Location"]).query)["scope"][0].split()
        assert "launch/patient" in scope
        assert "launch" not in scope
        answer = opens(client, begin={"iss": there.base}, patient="p1")
        assert landed(client, answer)["Location"] == viewer(study)

    def test_a_launch_without_a_patient_leads_to_the_list(self, client: Client, opens: Opens) -> None:
        answer = opens(client)
        assert (answer.status_code, answer["Location"]) == (302, "/")
        assert who(client) == "anna"

    def test_the_next_patient_leaves_the_windows_signed_in(
        self, client: Client, arrive: Arrive, there: StandInRecord, opens: Opens
    ) -> None:
        arrive(PatientID="P1")
        other = arrive(PatientID="P2", PatientName="Roux^Jean")
        there.knows(resources=[patient("p1", "P1"), patient("p2", "P2")])
        landed(client, opens(client, patient="p1"))
        session = client.session.session_key
        assert landed(client, opens(client, patient="p2"))["Location"] == viewer(other)
        assert client.session.session_key == session

    def test_it_is_on_record(self, client: Client, arrive: Arrive, there: StandInRecord, opens: Opens) -> None:
        arrive(PatientID="P1")
        there.knows(resources=[patient("p1", "P1")])
        landed(client, opens(client, patient="p1"))
        event = AuditEvent.objects.get(action=Action.RECORD_LAUNCHED)
        assert (event.actor_name, event.detail["record"], event.detail["subject"]) == ("anna", "record", "anna")


class TestOtherPatients:
    def test_a_study_of_another_patient_than_the_launch_stays_shut(
        self, client: Client, arrive: Arrive, there: StandInRecord, opens: Opens
    ) -> None:
        """The record's own rows disagree with our images: LA-3, patient shown = launch patient."""
        arrive(PatientID="P1")
        other = arrive(PatientID="P2", PatientName="Roux^Jean")
        there.knows(resources=[patient("p1", "P1"), imaging_study("i1", other)])
        answer = landed(client, opens(client, patient="p1", fhirContext=[{"reference": "ImagingStudy/i1"}]))
        assert answer.status_code == 409
        assert "Roux" not in answer.content.decode()

    def test_what_the_record_itself_has_of_another_patient_signs_nobody_in(
        self, client: Client, arrive: Arrive, there: StandInRecord, opens: Opens
    ) -> None:
        study = arrive(PatientID="P1")
        there.knows(resources=[patient("p1", "P1"), imaging_study("i1", study, "Patient/p2")])
        answer = opens(client, patient="p1", fhirContext=[{"reference": "ImagingStudy/i1"}])
        assert answer.status_code == 409
        assert who(client) == ""

    def test_another_birth_date_is_another_person(
        self, client: Client, arrive: Arrive, there: StandInRecord, opens: Opens
    ) -> None:
        arrive(PatientID="P1", PatientBirthDate="19800101")
        there.knows(resources=[patient("p1", "P1", birthDate="1948-05-05")])
        assert landed(client, opens(client, patient="p1")).status_code == 409

    @pytest.mark.parametrize(
        "identifier",
        [
            [],
            [{"system": "urn:oid:1.2.3", "value": "P1"}],
            [{"value": "P1"}],
            [{"system": f"urn:oid:{OID}", "value": "P1", "use": "old"}],
            [{"system": f"urn:oid:{OID}", "value": "P1"}, {"system": f"urn:oid:{OID}", "value": "P2"}],
            [{"system": f"urn:oid:{OID}", "value": "P1^^^X&1.2&ISO"}],
        ],
        ids=["no number", "another issuer", "no issuer", "an old number", "two numbers", "a number with separators"],
    )
    def test_a_patient_whom_no_number_of_the_site_names_opens_nothing(
        self,
        client: Client,
        arrive: Arrive,
        there: StandInRecord,
        opens: Opens,
        identifier: list[Resource],
    ) -> None:
        arrive(PatientID="P1")
        there.knows(resources=[{"resourceType": "Patient", "id": "p1", "identifier": identifier}])
        assert opens(client, patient="p1").status_code == 404
        assert who(client) == ""

    def test_images_of_departments_that_are_not_ones_own_are_not_there(
        self, client: Client, arrive: Arrive, there: StandInRecord, opens: Opens, provider: IdentityProvider
    ) -> None:
        arrive(PatientID="P1")
        elsewhere = Department.objects.create(code="other", name="Other", site=Department.objects.get().site)
        provider.rules.update(department=elsewhere)
        there.knows(resources=[patient("p1", "P1")])
        assert landed(client, opens(client, patient="p1")).status_code == 404


class TestRefused:
    @pytest.mark.parametrize("iss", ["https://evil.example/fhir", "", "http://localhost:1/fhir"])
    def test_a_record_that_is_not_listed_is_not_even_asked(
        self, client: Client, record: HealthRecord, iss: str
    ) -> None:
        """Pitfall 26."""
        answer = client.get("/launch", {"iss": iss, "launch": "x"})
        assert answer.status_code == 403
        assert "Location" not in answer
        event = AuditEvent.objects.get(action=Action.RECORD_LAUNCHED)
        assert (event.outcome, event.detail["iss"]) == ("refused", iss)

    def test_two_addresses_of_a_record_are_none(
        self, client: Client, there: StandInRecord, record: HealthRecord
    ) -> None:
        assert client.get(f"/launch?iss={there.base}&iss=https://evil.example&launch=x").status_code == 403

    def test_a_record_that_was_switched_off_opens_nothing(
        self, client: Client, there: StandInRecord, record: HealthRecord
    ) -> None:
        HealthRecord.objects.update(is_active=False)
        assert client.get("/launch", {"iss": there.base, "launch": "x"}).status_code == 403

    def test_an_answer_that_nobody_asked_for_signs_nobody_in(self, client: Client, record: HealthRecord) -> None:
        assert client.get("/launch/record/callback", {"code": "x", "state": "y"}).status_code == 403
        assert who(client) == ""

    def test_the_same_answer_opens_once(
        self, client: Client, arrive: Arrive, there: StandInRecord, opens: Opens
    ) -> None:
        arrive(PatientID="P1")
        there.knows(resources=[patient("p1", "P1")])
        answer = opens(client, patient="p1")
        again = Client().get(answer.wsgi_request.get_full_path())
        assert again.status_code == 403

    def test_a_configuration_of_another_issuer_is_not_followed(
        self, client: Client, there: StandInRecord, record: HealthRecord
    ) -> None:
        there.knows(smart={"issuer": "https://evil.example", "token_endpoint": "https://evil.example/token"})
        answer = client.get("/launch", {"iss": there.base, "launch": "x"})
        assert answer.status_code == 403
        assert "Location" not in answer

    def test_a_record_without_pkce_is_not_used(
        self, client: Client, there: StandInRecord, record: HealthRecord
    ) -> None:
        there.knows(smart={"code_challenge_methods_supported": ["plain"]})
        assert client.get("/launch", {"iss": there.base, "launch": "x"}).status_code == 403

    def test_a_record_that_says_nothing_of_the_patient_shows_nothing(
        self, client: Client, arrive: Arrive, there: StandInRecord, opens: Opens
    ) -> None:
        arrive(PatientID="P1")
        there.knows(resources=[patient("p1", "P1")], status=503)
        answer = opens(client, patient="p1")
        assert answer.status_code == 503
        assert who(client) == ""
        assert AuditEvent.objects.get(action=Action.RECORD_LAUNCHED).detail["why"] == "status_503"

    def test_a_host_that_left_the_list_is_not_called(
        self, client: Client, there: StandInRecord, record: HealthRecord
    ) -> None:
        OutboundHost.objects.all().delete()
        assert client.get("/launch", {"iss": there.base, "launch": "x"}).status_code == 403

    def test_what_no_rule_lets_in_stays_out(
        self, client: Client, arrive: Arrive, there: StandInRecord, opens: Opens
    ) -> None:
        arrive(PatientID="P1")
        there.knows(resources=[patient("p1", "P1")], people={"anna": {"groups": ["visitors"]}})
        assert opens(client, patient="p1").status_code == 403
        assert who(client) == ""


def test_the_portals_public_keys_are_published_without_their_private_part(client: Client) -> None:
    answer = client.get("/.well-known/jwks.json")
    (key,) = answer.json()["keys"]
    assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("EC", "P-384", "ES384", "sig")
    assert "d" not in key
