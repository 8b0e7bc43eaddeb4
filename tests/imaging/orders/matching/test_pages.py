"""The reconciliation desk, as radiographers use it and as strangers try it."""

from datetime import timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Department, User
from accounts.roles import Role
from imaging.ingest.models import ApplicationEntity
from imaging.orders.matching import services
from imaging.orders.models import ExamRequest, PerformedStep, StudyLink, UnmatchedStudy
from imaging.studies.models import Study
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.factories.exam_requests import booked, exam_request
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db

_TODAY = timezone.now().strftime("%Y%m%d")


@pytest.fixture
def radiographer(emergency: Department) -> User:
    user = UserFactory.create(username="rita", display_name="Rita Graph")
    MembershipFactory.create(user=user, department=emergency, role=Role.RADIOGRAPHER)
    return user


@pytest.fixture
def study(archive: Archive) -> Study:
    made = arrivals.dataset(StudyDate=_TODAY, AccessionNumber="A100")
    archive.receive(made)
    found = archive.study(made.StudyInstanceUID)
    Study.objects.filter(pk=found.pk).update(settled_at=timezone.now())
    services.match_study(found.study_instance_uid, is_complete=True)
    return archive.study(made.StudyInstanceUID)


@pytest.fixture
def asked(study: Study, emergency: Department, orthopaedics: Department) -> ExamRequest:
    """Asked for by orthopaedics, with a number that the machine did not use."""
    made = exam_request(
        asking=orthopaedics,
        performing=emergency,
        patient=study.patient,
        accession_number="A101",
        scheduled_for=timezone.now() - timedelta(hours=5),
        clinical_question="Fracture of the scaphoid?",
    )
    booked(made)
    return made


def text_of(answer: Any) -> str:
    return unescape(answer.content.decode())


def test_both_sides_are_shown_and_brought_together(
    client: Client, radiographer: User, study: Study, asked: ExamRequest
) -> None:
    client.force_login(radiographer)
    desk = client.get("/reconcile/")
    text = text_of(desk)
    assert "Hélène" in text
    assert "No request has its numbers." in text
    assert f"/reconcile/requests/{asked.key}/" in text
    page = client.get(f"/reconcile/studies/{study.study_instance_uid}/")
    text = text_of(page)
    assert "Fracture of the scaphoid?" in text
    assert "same patient" in text
    assert "same day" in text
    one = client.get(f"/reconcile/requests/{asked.key}/")
    assert study.study_instance_uid in text_of(one)
    done = client.post(
        f"/reconcile/studies/{study.study_instance_uid}/link",
        {"request": str(asked.key), "reason": "number typed by hand", "seen": ""},
    )
    assert done.status_code == 302
    link = StudyLink.objects.get()
    assert (link.made_by, link.reason, link.basis) == ("rita", "number typed by hand", "person")
    assert ExamRequest.objects.get(pk=asked.pk).state == "completed"
    assert study.study_instance_uid not in text_of(client.get("/reconcile/"))
    taken_back = client.post(
        f"/reconcile/studies/{study.study_instance_uid}/unlink",
        {"link": link.pk, "reason": "the other hand", "seen": str(link.pk)},
    )
    assert taken_back.status_code == 302
    assert study.study_instance_uid in text_of(client.get("/reconcile/"))


def test_nothing_is_decided_without_a_reason(
    client: Client, radiographer: User, study: Study, asked: ExamRequest
) -> None:
    client.force_login(radiographer)
    for act, more in (("link", {"request": str(asked.key)}), ("settle", {}), ("unlink", {"link": 1})):
        answer = client.post(
            f"/reconcile/studies/{study.study_instance_uid}/{act}", {**more, "reason": " ", "seen": ""}, follow=True
        )
        assert "Say why" in text_of(answer)
    assert not StudyLink.objects.exists()


def test_the_second_of_two_people_is_told(client: Client, radiographer: User, study: Study, asked: ExamRequest) -> None:
    client.force_login(radiographer)
    address = f"/reconcile/studies/{study.study_instance_uid}"
    client.post(f"{address}/link", {"request": str(asked.key), "reason": "seen", "seen": ""})
    second = client.post(f"{address}/settle", {"reason": "from a disc", "seen": ""}, follow=True)
    assert "rita has decided about this study meanwhile." in text_of(second)
    assert UnmatchedStudy.objects.get().settled_reason == ""


def test_a_study_that_needs_no_request_leaves_the_desk_and_comes_back(
    client: Client, radiographer: User, study: Study
) -> None:
    client.force_login(radiographer)
    address = f"/reconcile/studies/{study.study_instance_uid}"
    client.post(f"{address}/settle", {"reason": "from a disc", "seen": ""})
    assert study.study_instance_uid not in text_of(client.get("/reconcile/"))
    assert "from a disc" in text_of(client.get(f"{address}/"))
    client.post(f"{address}/settle", {"reason": "it was ours", "seen": "", "again": "1"})
    assert study.study_instance_uid in text_of(client.get("/reconcile/"))


def test_another_patients_request_is_linked_with_the_correction_or_not_at_all(
    client: Client, radiographer: User, study: Study, archive: Archive, emergency: Department, orthopaedics: Department
) -> None:
    other = arrivals.dataset(PatientID="P2", PatientName="Martin^Paul", PatientSex="M", AccessionNumber="X1")
    archive.receive(other)
    patient = archive.study(other.StudyInstanceUID).patient
    wrong = exam_request(asking=orthopaedics, performing=emergency, patient=patient, accession_number="A100")
    services.match_study(study.study_instance_uid, is_complete=True)
    client.force_login(radiographer)
    address = f"/reconcile/studies/{study.study_instance_uid}"
    text = text_of(client.get(f"{address}/"))
    assert "Its number belongs to a request for another patient." in text
    assert "Correct the patient and link" in text
    posted = {"request": str(wrong.key), "reason": "wrong worklist entry", "seen": ""}
    refused = client.post(f"{address}/link", posted, follow=True)
    assert "The request is for another patient." in text_of(refused)
    assert not StudyLink.objects.exists()
    client.post(f"{address}/link", {**posted, "corrects": "1"})
    study.refresh_from_db()
    assert study.patient_id == patient.pk
    assert StudyLink.objects.get().request_id == wrong.pk


@pytest.mark.usefixtures("early_clock")
def test_the_desk_answers_304_until_something_changes(
    client: Client, radiographer: User, study: Study, asked: ExamRequest
) -> None:
    client.force_login(radiographer)
    first = client.get("/reconcile/live")
    again = client.get("/reconcile/live", headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304
    client.post(f"/reconcile/studies/{study.study_instance_uid}/settle", {"reason": "from a disc", "seen": ""})
    assert client.get("/reconcile/live", headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_strangers_find_nothing_and_clinicians_are_refused(
    client: Client, alice: User, bob: User, study: Study, asked: ExamRequest, orthopaedics: Department
) -> None:
    pages = (
        "/reconcile/",
        "/reconcile/live",
        f"/reconcile/studies/{study.study_instance_uid}/",
        f"/reconcile/requests/{asked.key}/",
    )
    acts = [f"/reconcile/studies/{study.study_instance_uid}/{act}" for act in ("link", "unlink", "settle")]
    for address in (*pages, *acts):
        assert client.post(address).status_code in {302, 405}
    for person in (alice, bob):
        client.force_login(person)
        assert {client.get(address).status_code for address in pages} == {403}
        assert {client.post(address).status_code for address in acts} == {403}
    elsewhere = UserFactory.create()
    MembershipFactory.create(user=elsewhere, department=orthopaedics, role=Role.RADIOGRAPHER)
    client.force_login(elsewhere)
    assert "Hélène" not in text_of(client.get("/reconcile/"))
    for address in pages[2:]:
        assert client.get(address).status_code == 404
    for address in acts:
        posted = {"request": str(asked.key), "reason": "mine", "seen": "", "link": 1}
        assert client.post(address, posted).status_code == 404
    assert client.get("/reconcile/studies/1.2.3.4/").status_code == 404
    assert client.get(f"/reconcile/requests/{uuid4()}/").status_code == 404


@pytest.mark.parametrize(
    "posted",
    [
        {"seen": "1;drop table"},
        {"seen": "9" * 40},
        {"request": "no uuid"},
        {"reason": "x" * 201},
        {"reason": "line\nbreak"},
        {"reason": "nul\x00"},
    ],
)
def test_what_no_page_sends_changes_nothing(
    client: Client, radiographer: User, study: Study, asked: ExamRequest, posted: dict[str, str]
) -> None:
    client.force_login(radiographer)
    sent = {"request": str(asked.key), "reason": "fine", "seen": "", **posted}
    answer = client.post(f"/reconcile/studies/{study.study_instance_uid}/link", sent)
    assert answer.status_code == 302
    assert not StudyLink.objects.exists()
    assert client.post("/reconcile/", {"q": "a\x00b%_\\"}).status_code == 200
    address = f"/reconcile/studies/{study.study_instance_uid}/"
    assert client.get(address, {"request": "x"}).status_code == 200
    assert client.post(address, {"q": "'\"<"}).status_code == 200


def test_what_a_machine_reported_wrongly_is_looked_at_once(
    client: Client, radiographer: User, study: Study, emergency: Department
) -> None:
    ApplicationEntity.objects.create(ae_title="CT9").departments.set([emergency])
    exam = PerformedStep.objects.create(
        sop_instance_uid=arrivals.uid(),
        sender="CT9",
        told_step_id="GONE",
        study_instance_uid=study.study_instance_uid,
        patient_id="P1",
    )
    client.force_login(radiographer)
    text = text_of(client.get("/reconcile/"))
    assert "The machine names a booking that is not known here." in text
    address = f"/reconcile/exams/{exam.pk}/mend"
    client.post(address, {"reason": " "})
    assert "GONE" in text_of(client.get("/reconcile/"))
    client.post(address, {"reason": "started by hand"})
    assert "GONE" not in text_of(client.get("/reconcile/"))
    assert "already" in text_of(client.post(address, {"reason": "me too"}, follow=True))
