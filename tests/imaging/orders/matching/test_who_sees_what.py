"""The reconciliation desk and the pages of requests keep back what labels, merges and other departments keep back."""

from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.actor import SYSTEM, Actor
from accounts.models import AuditEvent, Department, User
from accounts.roles import Role
from accounts.scope import scope_of_user
from imaging.ingest.models import ApplicationEntity
from imaging.orders.matching import services
from imaging.orders.models import ExamRequest, PerformedStep, StudyLink
from imaging.orders.requesting import selectors
from imaging.studies import services as studies
from imaging.studies.models import Patient, Study
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.factories.exam_requests import booked, exam_request
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db


@pytest.fixture
def radiographer(emergency: Department) -> User:
    """Matches in emergency, and is cleared for no label."""
    user = UserFactory.create(username="rita")
    MembershipFactory.create(user=user, department=emergency, role=Role.RADIOGRAPHER)
    return user


@pytest.fixture
def study(archive: Archive) -> Study:
    """Of Hélène Durand, P1."""
    return received(archive)


def received(archive: Archive, **changes: Any) -> Study:
    made = arrivals.dataset(StudyDate=timezone.now().strftime("%Y%m%d"), **changes)
    archive.receive(made)
    return archive.study(made.StudyInstanceUID)


def other_patient(archive: Archive) -> Patient:
    named = {"PatientID": "P2", "PatientName": "Martin^Paul", "PatientSex": "M", "AccessionNumber": "X1"}
    return received(archive, **named).patient


def linked(study: Study, request: ExamRequest) -> StudyLink:
    return StudyLink.objects.create(study=study, request=request, basis=StudyLink.Basis.PERSON, made_by="rita")


def statuses(client: Client, request: ExamRequest) -> set[int]:
    pages = ("/requests/{}/", "/requests/{}/slip", "/reconcile/requests/{}/")
    return {client.get(page.format(request.key)).status_code for page in pages}


def text_of(answer: Any) -> str:
    return unescape(answer.content.decode())


def test_a_protected_study_protects_the_request_that_it_answers(
    client: Client, radiographer: User, study: Study, emergency: Department, orthopaedics: Department
) -> None:
    asked = exam_request(asking=orthopaedics, performing=emergency, patient=study.patient)
    held = linked(study, asked)
    client.force_login(radiographer)
    assert statuses(client, asked) == {200}
    label = studies.protect(study, "vip", reason="well known", actor=SYSTEM)
    assert statuses(client, asked) == {404}
    studies.lift_protection(label, reason="enough", actor=SYSTEM)
    assert statuses(client, asked) == {200}
    studies.protect(study, "vip", reason="well known", actor=SYSTEM)
    StudyLink.objects.filter(pk=held.pk).update(ended_at=timezone.now())
    assert statuses(client, asked) == {200}


@pytest.mark.parametrize("protected", ["merged", "remaining"])
def test_a_merge_opens_no_request_of_a_protected_patient(
    client: Client,
    radiographer: User,
    study: Study,
    archive: Archive,
    emergency: Department,
    orthopaedics: Department,
    protected: str,
) -> None:
    into = other_patient(archive)
    asked = exam_request(asking=orthopaedics, performing=emergency, patient=study.patient)
    studies.protect(study.patient if protected == "merged" else into, "vip", reason="well known", actor=SYSTEM)
    link = studies.merge_patients(study.patient, into, reason="twice", actor=SYSTEM)
    client.force_login(radiographer)
    assert statuses(client, asked) == {404}
    assert "Durand" not in text_of(client.get("/reconcile/"))
    studies.part_patients(link, actor=SYSTEM)
    assert statuses(client, asked) == ({404} if protected == "merged" else {200})


def test_a_merge_of_merged_patients_hides_their_requests_too(
    client: Client,
    radiographer: User,
    study: Study,
    archive: Archive,
    emergency: Department,
    orthopaedics: Department,
) -> None:
    asked = exam_request(asking=orthopaedics, performing=emergency, patient=study.patient)
    second = other_patient(archive)
    third = received(archive, PatientID="P3", PatientName="Petit^Anne", AccessionNumber="X2").patient
    studies.merge_patients(study.patient, second, reason="twice", actor=SYSTEM)
    studies.merge_patients(second, third, reason="thrice", actor=SYSTEM)
    client.force_login(radiographer)
    assert statuses(client, asked) == {200}
    studies.protect(Patient.objects.get(pk=third.pk), "vip", reason="well known", actor=SYSTEM)
    assert statuses(client, asked) == {404}


def test_another_number_of_a_protected_patient_opens_no_request_of_theirs(
    client: Client, radiographer: User, study: Study, emergency: Department, orthopaedics: Department
) -> None:
    asked = exam_request(asking=orthopaedics, performing=emergency, patient=study.patient)
    studies.protect(study.patient, "vip", reason="well known", actor=SYSTEM)
    studies.correct(study, {"00100020": {"vr": "LO", "Value": ["P9"]}}, reason="wrong number", actor=SYSTEM)
    client.force_login(radiographer)
    assert statuses(client, asked) == {404}


def test_who_asked_is_told_no_number_of_requests_that_they_do_not_see(
    client: Client, alice: User, study: Study, emergency: Department, orthopaedics: Department
) -> None:

    exam_request(
        asking=emergency,
        performing=orthopaedics,
        patient=study.patient,
        requester=alice,
        state=ExamRequest.State.RETURNED,
    )

    def waiting() -> int:
        actor = Actor(kind="user", id=str(alice.pk), name="alice")
        person = selectors.asker(alice, actor=actor, scope=scope_of_user(alice, actor=actor))
        assert person is not None
        return selectors.waiting_for(person)

    assert waiting() == 1
    studies.protect(study.patient, "vip", reason="well known", actor=SYSTEM)
    assert waiting() == 0


def test_the_request_of_another_department_is_not_shown_with_the_study_that_answers_it(
    client: Client, radiographer: User, study: Study, orthopaedics: Department
) -> None:
    asked = exam_request(
        asking=orthopaedics, performing=orthopaedics, patient=study.patient, clinical_question="Secret question?"
    )
    held = linked(study, asked)
    client.force_login(radiographer)
    text = text_of(client.get(f"/reconcile/studies/{study.study_instance_uid}/"))
    assert "Secret question?" not in text
    assert "This study answers a request that you do not see." in text
    posted = {"link": held.pk, "reason": "mine", "seen": str(held.pk)}
    assert client.post(f"/reconcile/studies/{study.study_instance_uid}/unlink", posted).status_code == 404


def test_the_study_of_another_department_is_not_shown_with_the_request_that_it_answers(
    client: Client, radiographer: User, archive: Archive, emergency: Department, orthopaedics: Department
) -> None:
    made = arrivals.dataset(StudyDescription="Elsewhere only")
    archive.receive(made, department=orthopaedics)
    hidden = archive.study(made.StudyInstanceUID)
    asked = exam_request(asking=orthopaedics, performing=emergency, patient=hidden.patient)
    linked(hidden, asked)
    client.force_login(radiographer)
    text = text_of(client.get(f"/reconcile/requests/{asked.key}/"))
    assert "Elsewhere only" not in text
    assert hidden.study_instance_uid not in text


def test_an_exam_that_a_machine_reported_of_a_protected_patient_is_told_to_nobody_else(
    client: Client, radiographer: User, study: Study, emergency: Department, orthopaedics: Department
) -> None:
    ApplicationEntity.objects.create(ae_title="CT9").departments.set([emergency])
    asked = exam_request(asking=orthopaedics, performing=emergency, patient=study.patient)
    values: dict[str, Any] = {"sender": "CT9", "patient_id": "P1"}
    unknown = PerformedStep.objects.create(sop_instance_uid=arrivals.uid(), told_step_id="GONE", **values)
    PerformedStep.objects.create(
        sop_instance_uid=arrivals.uid(),
        step=booked(asked),
        state=PerformedStep.State.DISCONTINUED,
        discontinuation_code="110514",
        **values,
    )
    client.force_login(radiographer)
    assert text_of(client.get("/reconcile/")).count("Looked at") == 2
    studies.protect(study.patient, "vip", reason="well known", actor=SYSTEM)
    text = text_of(client.get("/reconcile/"))
    assert "Looked at" not in text
    assert "<bdi>P1</bdi>" not in text
    client.post(f"/reconcile/exams/{unknown.pk}/mend", {"reason": "mine"})
    unknown.refresh_from_db()
    assert unknown.mended_at is None


def test_images_made_with_somebody_elses_line_have_a_line_at_the_desk_with_their_study(
    client: Client, radiographer: User, study: Study, archive: Archive, emergency: Department, orthopaedics: Department
) -> None:
    asked = exam_request(asking=orthopaedics, performing=emergency, patient=other_patient(archive))
    PerformedStep.objects.create(
        sop_instance_uid=arrivals.uid(),
        sender="CT9",
        step=booked(asked),
        state=PerformedStep.State.DISCONTINUED,
        discontinuation_code="110514",
        study_instance_uid=study.study_instance_uid,
        patient_id="P2",
    )
    client.force_login(radiographer)
    text = text_of(client.get("/reconcile/"))
    assert "It was begun with somebody else’s line of the worklist." in text
    assert f'href="/reconcile/studies/{study.study_instance_uid}/"' in text


def test_a_name_is_looked_for_without_standing_in_an_address(client: Client, radiographer: User, study: Study) -> None:
    services.match_study(study.study_instance_uid, is_complete=True)
    client.force_login(radiographer)
    page = client.post("/reconcile/", {"q": "durand"})
    assert "hx-get" not in text_of(page).split('id="match-desk"')[1].split(">")[0]
    assert study.study_instance_uid in text_of(page)
    assert study.study_instance_uid not in text_of(client.post("/reconcile/", {"q": "nobody"}))
    assert study.study_instance_uid in text_of(client.get("/reconcile/", {"q": "nobody"}))
    searched = AuditEvent.objects.filter(action="studies.queried", detail__keys__search="durand")
    assert searched.count() == 1
