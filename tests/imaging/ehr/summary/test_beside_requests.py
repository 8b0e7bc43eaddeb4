"""The record's word stands beside a request for an exam: for who asks and who does it, and answers questions of safety by a press."""

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.audit import Action
from accounts.audit.models import AuditEvent
from accounts.models import Department, User
from imaging.ehr.models import HealthRecord
from imaging.fhir.values import Resource
from imaging.orders.models import ExamRequest
from imaging.studies.models import Study
from tests.factories.exam_requests import exam_request
from tests.imaging.ehr.summary.conftest import RESOURCES
from tests.stand_in_record.running import StandInRecord

pytestmark = pytest.mark.django_db


def rate(value: float, at: dt.datetime) -> Resource:
    return {
        "resourceType": "Observation",
        "id": "egfr",
        "status": "final",
        "subject": {"reference": "Patient/p1"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "98979-8"}]},
        "effectiveDateTime": at.isoformat(),
        "valueQuantity": {"value": value, "unit": "mL/min/1.73m2"},
    }


@pytest.fixture
def exam(study: Study, emergency: Department, alice: User, told_by: StandInRecord) -> ExamRequest:
    """A draft of Alice's for the patient whom the record knows."""
    return exam_request(
        asking=emergency,
        performing=emergency,
        patient=study.patient,
        requester=alice,
        state=ExamRequest.State.DRAFT,
    )


def address(exam: ExamRequest) -> str:
    return reverse("viewer:request-record", args=[exam.key])


def test_the_form_and_the_page_say_where_to_ask(client: Client, exam: ExamRequest) -> None:
    for page in ("orders:edit", "orders:request"):
        answer = client.get(reverse(page, args=[exam.key]))
        assert f'hx-get="{address(exam)}"' in answer.content.decode(), page


def test_what_it_tells_is_on_record_with_the_request(client: Client, exam: ExamRequest) -> None:
    answer = client.get(address(exam))
    assert "Metformin 850 mg" in answer.content.decode()
    event = AuditEvent.objects.get(action=Action.RECORD_READ)
    assert (event.subject_type, event.subject_uid, event.patient_id) == ("exam_request", str(exam.key), "P1")


def test_what_answers_a_question_of_safety_can_be_taken_over(
    client: Client, exam: ExamRequest, told_by: StandInRecord
) -> None:
    told_by.knows(resources=[*RESOURCES, rate(28.4, timezone.now() - dt.timedelta(days=3))])
    page = client.get(address(exam)).content.decode()
    assert 'data-answer="q-egfr-iodine q-egfr-gado"' in page
    assert 'data-value="28.4"' in page
    assert 'data-answer="q-metformin"' in page
    assert 'data-answer="q-anticoagulant"' not in page, "the record knows of none, which is no answer"


def test_an_old_filtration_rate_is_shown_and_not_offered_as_an_answer(
    client: Client, exam: ExamRequest, told_by: StandInRecord
) -> None:
    told_by.knows(resources=[*RESOURCES, rate(28.4, timezone.now() - dt.timedelta(days=200))])
    page = client.get(address(exam)).content.decode()
    assert "28.4" in page
    assert "q-egfr" not in page


def test_the_page_of_a_study_offers_no_answers(client: Client, study: Study, told_by: StandInRecord) -> None:
    page = client.get(reverse("viewer:study-record", args=[study.study_instance_uid])).content.decode()
    assert "data-answer" not in page


def test_whom_the_request_does_not_concern_is_told_nothing(exam: ExamRequest, bob: User) -> None:
    stranger = Client()
    stranger.force_login(bob)
    assert stranger.get(address(exam)).status_code == 404
    assert Client().get(address(exam)).status_code in {302, 404}


def test_without_a_record_nothing_is_offered(client: Client, exam: ExamRequest) -> None:
    HealthRecord.objects.update(access=HealthRecord.Access.NONE)
    assert client.get(address(exam)).status_code == 404
    assert address(exam) not in client.get(reverse("orders:edit", args=[exam.key])).content.decode()


def test_a_patient_who_is_only_typed_is_not_asked_for(client: Client, exam: ExamRequest) -> None:
    ExamRequest.objects.update(patient=None)
    assert client.get(address(exam)).status_code == 404
