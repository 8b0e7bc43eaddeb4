"""The hospital's record opens images by an address (IHE RAD-106, LA-1): the right ones, of the right patient, or none."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.audit import Action
from accounts.audit.models import AuditEvent
from accounts.models import User
from imaging.ehr.models import Hl7Peer
from imaging.studies.models import Study
from tests.factories.accounts import PASSWORD, SiteFactory
from tests.imaging.ehr.conftest import OID, Send

pytestmark = pytest.mark.django_db

DOOR = "/IHEInvokeImageDisplay"
Arrive = Callable[..., Study]


@pytest.fixture
def client(alice: User, register: Hl7Peer) -> Client:
    """Alice's browser; her department's site issues the patients' numbers."""
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def stranger(bob: User) -> Client:
    """A browser of somebody of another department."""
    client = Client()
    client.force_login(bob)
    return client


def viewer(study: Study) -> str:
    return f"{reverse('viewer:viewer', args=[study.study_instance_uid])}?record"


class TestStudies:
    def test_a_study_is_shown_at_once(self, client: Client, arrive: Arrive) -> None:
        study = arrive()
        answer = client.get(DOOR, {"requestType": "STUDY", "studyUID": study.study_instance_uid})
        assert (answer.status_code, answer["Location"]) == (302, viewer(study))

    def test_names_of_parameters_may_be_written_in_any_case(self, client: Client, arrive: Arrive) -> None:
        """Pitfall 25."""
        study = arrive(AccessionNumber="A77")
        answer = client.get(DOOR, {"REQUESTTYPE": "study", "AccessionNUMBER": "A77", "viewertype": "IHE_BIR"})
        assert answer["Location"] == viewer(study)

    def test_study_and_number_together_have_to_mean_the_same(self, client: Client, arrive: Arrive) -> None:
        """Pitfall 25: sent by the French report profile, though the standard forbids it."""
        study, other = arrive(AccessionNumber="A1"), arrive(AccessionNumber="A2")
        asked = {"requestType": "STUDY", "studyUID": study.study_instance_uid}
        assert client.get(DOOR, {**asked, "Accessionnumber": "A1", "idCDA": "1.2"})["Location"] == viewer(study)

        answer = client.get(DOOR, {**asked, "Accessionnumber": other.accession_number})
        assert answer.status_code == 409
        assert viewer(study) not in answer.content.decode()

    def test_studies_of_two_patients_are_never_shown_together(self, client: Client, arrive: Arrive) -> None:
        """Pitfall 17: one accession number of two hospitals."""
        arrive(AccessionNumber="A1", PatientID="P1")
        arrive(AccessionNumber="A1", PatientID="P2", PatientName="Roux^Jean")
        answer = client.get(DOOR, {"requestType": "STUDY", "accessionNumber": "A1"})
        assert answer.status_code == 409
        assert "Roux" not in answer.content.decode()

    def test_a_study_of_another_patient_than_the_one_named_stays_shut(self, client: Client, arrive: Arrive) -> None:
        """Pitfall 25: the UID of another patient."""
        study = arrive(PatientID="P1")
        arrive(PatientID="P2", PatientName="Roux^Jean")
        asked = {"requestType": "STUDY", "studyUID": study.study_instance_uid}
        assert client.get(DOOR, {**asked, "patientID": f"P2^^^&{OID}&ISO"}).status_code == 409
        assert client.get(DOOR, {**asked, "patientID": f"P1^^^&{OID}&ISO"}).status_code == 302
        assert client.get(DOOR, {**asked, "patientBirthDate": "19700103"}).status_code == 409
        assert client.get(DOOR, {**asked, "patientBirthDate": "1970-01-02"}).status_code == 302

    def test_several_studies_of_one_patient_are_offered(self, client: Client, arrive: Arrive) -> None:
        first, second = arrive(AccessionNumber="A1"), arrive(AccessionNumber="A2")
        answer = client.get(DOOR, {"requestType": "STUDY", "accessionNumber": "A1,A2"})
        assert answer["Location"] == "/IHEInvokeImageDisplay/continue", "a page whose address names nobody"
        page = client.get(answer["Location"]).content.decode()
        assert viewer(first) in page
        assert viewer(second) in page


class TestPatients:
    def test_the_only_study_of_a_patient_is_shown(self, client: Client, arrive: Arrive) -> None:
        study = arrive(PatientID="P1")
        arrive(PatientID="P2", PatientName="Roux^Jean")
        answer = client.get(DOOR, {"requestType": "PATIENT", "patientID": f"P1^^^HOSPITAL&{OID}&ISO^PI"})
        assert answer["Location"] == viewer(study)

    def test_dates_modalities_and_how_many_narrow_it(self, client: Client, arrive: Arrive) -> None:
        old = arrive(StudyDate="20240101")
        new = arrive(StudyDate="20260301", Modality="MR", SOPClassUID="1.2.840.10008.5.1.4.1.1.4")
        asked = {"requestType": "PATIENT", "patientID": "P1^^^HOSPITAL"}
        assert client.get(DOOR, {**asked, "upperDateTime": "20241231"})["Location"] == viewer(old)
        assert client.get(DOOR, {**asked, "lowerDateTime": "2026-03-01"})["Location"] == viewer(new)
        assert client.get(DOOR, {**asked, "modalitiesInStudy": "mr,pt"})["Location"] == viewer(new)
        assert client.get(DOOR, {**asked, "mostRecentResults": "1"})["Location"] == viewer(new)
        assert client.get(client.get(DOOR, asked)["Location"]).status_code == 200

    def test_the_issuer_counts(self, client: Client, arrive: Arrive) -> None:
        """Pitfall 10."""
        arrive(PatientID="P1")
        SiteFactory.create(issuer_of_patient_id="CLINIC", issuer_oid="1.2.3")
        assert client.get(DOOR, {"requestType": "PATIENT", "patientID": "P1^^^CLINIC&1.2.3&ISO"}).status_code == 404
        assert client.get(DOOR, {"requestType": "PATIENT", "patientID": "P1^^^ELSEWHERE"}).status_code == 404

    def test_a_bare_number_of_two_people_is_nobodys(self, client: Client, arrive: Arrive) -> None:
        """Pitfall 11."""
        arrive(PatientID="P1")
        arrive(PatientID="P1", IssuerOfPatientID="CLINIC", PatientName="Roux^Jean")
        assert client.get(DOOR, {"requestType": "PATIENT", "patientID": "P1"}).status_code == 409

    def test_a_further_number_finds_the_patient_by_its_issuers_oid(
        self, client: Client, arrive: Arrive, send: Send
    ) -> None:
        """ID-1, FR-1: the national number opens the record while the identity is qualified."""
        nir = "1.2.250.1.213.1.4.8"
        study = arrive(PatientID="P1")
        pid = f"P1^^^HOSPITAL^PI~187031234567856^^^X&{nir}&ISO^INS"
        send("A08", pid=pid, extra="|" * 24 + "VALI")
        asked = {"requestType": "PATIENT", "patientID": f"187031234567856^^^&{nir}&ISO"}
        assert client.get(DOOR, asked)["Location"] == viewer(study)
        assert client.get(DOOR, {**asked, "patientID": "187031234567856^^^X"}).status_code == 404
        send("A08", pid="P1^^^HOSPITAL^PI", extra="|" * 24 + "PROV")
        assert client.get(DOOR, asked).status_code == 404

    def test_a_number_that_was_merged_away_finds_the_patient(self, client: Client, arrive: Arrive, send: Send) -> None:
        study = arrive(PatientID="OLD")
        send("A40", pid="P1^^^HOSPITAL^MR", mrg="OLD^^^HOSPITAL^MR")
        asked = {"requestType": "PATIENT", "patientID": "OLD^^^HOSPITAL"}
        assert client.get(DOOR, asked)["Location"] == viewer(study)


class TestWho:
    def test_what_a_reader_may_not_see_is_as_if_it_did_not_exist(self, stranger: Client, arrive: Arrive) -> None:
        study = arrive(AccessionNumber="A1")
        asked = [
            {"requestType": "STUDY", "studyUID": study.study_instance_uid},
            {"requestType": "STUDY", "accessionNumber": "A1"},
            {"requestType": "PATIENT", "patientID": "P1^^^HOSPITAL"},
        ]
        absent = stranger.get(DOOR, {"requestType": "STUDY", "studyUID": "1.2.3"})
        assert absent.status_code == 404
        for question in asked:
            answer = stranger.get(DOOR, question)
            assert answer.status_code == 404
            assert "Durand" not in answer.content.decode()

    def test_what_was_asked_is_on_record(self, client: Client, arrive: Arrive) -> None:
        study = arrive()
        client.get(DOOR, {"requestType": "STUDY", "studyUID": study.study_instance_uid})
        told = AuditEvent.objects.get(action=Action.STUDIES_QUERIED)
        assert told.detail["keys"] == {"StudyInstanceUID": study.study_instance_uid}
        assert told.detail["found"] == 1

    def test_who_is_not_signed_in_signs_in_and_comes_back_without_a_number_in_any_address(
        self, client: Client, arrive: Arrive
    ) -> None:
        study = arrive(PatientID="P1")
        browser = Client()
        first = browser.get(DOOR, {"requestType": "PATIENT", "patientID": f"P1^^^HOSPITAL&{OID}&ISO"})
        assert first.status_code == 302
        assert "P1" not in first["Location"]
        assert first["Location"].endswith("?next=/IHEInvokeImageDisplay/continue")

        signed = browser.post(first["Location"], {"login": "alice", "password": PASSWORD})
        assert signed["Location"] == "/IHEInvokeImageDisplay/continue"
        assert browser.get(signed["Location"])["Location"] == viewer(study)
        assert browser.get(signed["Location"]).status_code == 410, "once"

    def test_what_was_asked_long_ago_is_asked_anew(self, client: Client, arrive: Arrive) -> None:
        study = arrive()
        session = client.session
        asked: dict[str, list[str]] = {"requestType": ["STUDY"], "studyUID": [study.study_instance_uid]}
        session["invoked"] = {"asked": asked, "at": (timezone.now() - timedelta(hours=1)).timestamp()}
        session.save()
        assert client.get(f"{DOOR}/continue").status_code == 410


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("", "requestType"),
        ("requestType=SERIES", "requestType"),
        ("requestType=STUDY", "studyUID"),
        ("requestType=PATIENT", "patientID"),
        ("requestType=PATIENT&patientID=^^^X", "patientID"),
        ("requestType=STUDY&studyUID=1.2.3&studyuid=1.2.4", "studyuid"),
        ("requestType=STUDY&studyUID=1.2.3&studyUID=1.2.4", "studyUID"),
        ("requestType=STUDY&studyUID=../../etc", "studyUID"),
        ("requestType=STUDY&studyUID=" + ",".join(f"1.{n}" for n in range(60)), "studyUID"),
        ("requestType=PATIENT&patientID=P1&lowerDateTime=yesterday", "lowerDateTime"),
        ("requestType=PATIENT&patientID=P1&upperDateTime=20261399", "upperDateTime"),
        ("requestType=PATIENT&patientID=P1&patientBirthDate=x", "patientBirthDate"),
        ("requestType=PATIENT&patientID=P%001", "patientID"),
        ("requestType=STUDY&accessionNumber=A%0D%0A1", "accessionNumber"),
        ("requestType=PATIENT&patientID=P1&mostRecentResults=-1", "mostRecentResults"),
        ("requestType=PATIENT&patientID=" + "9" * 3000, "patientID"),
    ],
)
def test_an_address_that_cannot_be_read_says_where(client: Client, query: str, name: str) -> None:
    answer = client.get(f"{DOOR}?{query}")
    assert answer.status_code == 400
    assert f"“{name}”" in answer.content.decode()


def test_what_is_not_read_is_not_kept(register: Hl7Peer) -> None:
    browser = Client()
    browser.get(DOOR, {"requestType": "STUDY", "studyUID": "1.2.3", "other": "x" * 5000})
    assert set(browser.session["invoked"]["asked"]) == {"requestType", "studyUID"}


def test_markup_in_an_address_is_words(client: Client) -> None:
    answer = client.get(DOOR, {"<script>alert(1)</script>": ["1", "2"], "requestType": "STUDY"})
    assert answer.status_code == 400
    assert "<script>alert" not in answer.content.decode()
