"""Orders by ServiceRequest: placed once, told anew, revoked, and refused in words (FH-4)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.actor import SYSTEM
from accounts.audit.models import AuditEvent
from accounts.labels import Label
from accounts.models import Department, User
from accounts.roles import Right
from imaging.orders.models import ExamRequest, Procedure
from imaging.studies import protecting
from imaging.studies.models import Patient
from tests.factories.accounts import DepartmentFactory, issue_machine_key
from tests.factories.exam_requests import exam_request, indexed_patient, procedure
from tests.imaging.ehr.conftest import TellOfPatient
from tests.imaging.ehr.fhir.conftest import OID, Come, Program

pytestmark = pytest.mark.django_db

State = ExamRequest.State
FORM = "application/fhir+json"


@pytest.fixture
def thorax(emergency: Department) -> Procedure:
    """An exam of the catalogue, which emergency performs itself."""
    return procedure(code="CTTHORAX", loinc="24627-2", department=emergency)


@pytest.fixture
def order(come: Come, thorax: Procedure) -> dict[str, Any]:
    """An order for the patient P1."""
    study = come(PatientID="P1")
    return {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "priority": "asap",
        "identifier": [{"type": {"coding": [{"code": "PLAC"}]}, "value": "PL7"}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "24627-2"}]},
        "subject": {"reference": f"Patient/{study.patient_id}"},
        "requester": {"display": "Dr Grey"},
        "reasonCode": [{"text": "Pneumonia?"}],
        "occurrenceDateTime": "2026-12-01T09:00:00+01:00",
    }


Write = Callable[..., Any]


@pytest.fixture
def write(program: Program) -> Write:
    """`write(body)` creates, `write(body, key=…)` updates; the resource that comes back."""

    def written(
        body: Any, *, key: str = "", status: int = 201, form: str = FORM, is_shown: bool = True, **headers: str
    ) -> Any:
        sent = {
            "Authorization": f"Bearer {program.key}",
            **{name.replace("_", "-"): text for name, text in headers.items()},
        }
        address = f"/fhir/ServiceRequest/{key}" if key else "/fhir/ServiceRequest"
        ask = program.client.put if key else program.client.post
        answer = ask(address, data=body, content_type=form, headers=sent)
        assert answer.status_code == status, answer.content[:600]
        resource = answer.json()
        program.answered.append(resource)
        if status in {200, 201} and not key and is_shown:
            assert answer["Location"] == f"http://testserver/fhir/ServiceRequest/{resource['id']}"
        return resource

    return written


def test_an_order_becomes_a_request_with_our_numbers(program: Program, write: Write, order: Any) -> None:
    made = write(order)
    request = ExamRequest.objects.get()
    assert made["id"] == str(request.key)
    assert (request.state, request.placer_order_number, request.procedure.code) == (State.REQUESTED, "PL7", "CTTHORAX")
    assert (request.patient.patient_id, request.requester_name, request.clinical_question) == (
        "P1", "Dr Grey", "Pneumonia?",
    )  # fmt: skip
    assert request.accession_number
    assert request.study_instance_uid
    assert (made["status"], made["priority"]) == ("active", "urgent")
    assert program.ids("ServiceRequest?identifier=PL7") == [str(request.key)]
    event = AuditEvent.objects.filter(subject_uid=str(request.key)).exclude(action="request.read").first()
    assert event is not None
    assert (event.actor_kind, event.door, event.patient_id) == ("machine", "fhir", "P1")


def test_the_same_order_again_is_the_same_request(write: Write, order: Any) -> None:
    first = write(order)
    again = write({**order, "priority": "stat"}, status=200)
    assert again["id"] == first["id"]
    assert again["priority"] == "stat"
    assert ExamRequest.objects.count() == 1


def test_what_is_there_already_is_not_made_again(write: Write, order: Any) -> None:
    first = write(order)
    same = write({**order, "priority": "stat"}, status=200, If_None_Exist="identifier=PL7")
    assert (same["id"], same["priority"]) == (first["id"], "urgent"), "nothing was changed"
    other = {**order, "identifier": [{"type": {"coding": [{"code": "PLAC"}]}, "value": "PL8"}]}
    write(other, If_None_Exist="identifier=PL8")
    write(other, status=412, If_None_Exist="patient.identifier=P1")
    write(other, status=400, If_None_Exist="colour=red")


@pytest.mark.django_db(transaction=True)
def test_the_same_order_sent_twice_at_once_is_one_request(program: Program, order: Any) -> None:
    sent = {"Authorization": f"Bearer {program.key}"}

    def send() -> int:
        try:
            return Client().post("/fhir/ServiceRequest", data=order, content_type=FORM, headers=sent).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        statuses = [job.result() for job in [pool.submit(send) for _time in range(4)]]
    assert sorted(statuses) == [200, 200, 200, 201]
    assert ExamRequest.objects.count() == 1


def test_an_order_for_a_protected_patient_is_taken_and_not_shown(write: Write, order: Any) -> None:
    number = {"identifier": {"system": f"urn:oid:{OID}", "value": "P1"}}
    protecting.protect(Patient.objects.get(patient_id="P1"), Label.PROTECTED, reason="a wish", actor=SYSTEM)
    told = write({**order, "subject": number}, is_shown=False)
    assert told["resourceType"] == "OperationOutcome"
    assert told["issue"][0]["severity"] == "information"
    assert ExamRequest.objects.get().state == State.REQUESTED


def test_a_patient_is_named_by_a_number_and_its_issuer(write: Write, order: Any) -> None:
    by_number = {"identifier": {"system": f"urn:oid:{OID}", "value": "P1"}}
    write({**order, "subject": by_number})
    for subject in (
        {"identifier": {"system": "urn:oid:1.2.3", "value": "P1"}},
        {"identifier": {"value": "P1"}},
        {"reference": "Patient/999999"},
        {"display": "Somebody"},
    ):
        told = write({**order, "subject": subject}, status=422)
        assert told["issue"][0]["expression"] == ["ServiceRequest.subject"]


def test_to_an_identity_out_of_use_nothing_is_linked(write: Write, order: Any, tell: TellOfPatient) -> None:
    assert "MSA|AA" in tell(codes="DESA")
    assert "out of use" in write(order, status=422)["issue"][0]["diagnostics"]


def test_a_patient_of_another_department_is_not_found_by_reference(write: Write, order: Any) -> None:
    hidden = indexed_patient(patient_id="HIDDEN", issuer_of_patient_id="ELSEWHERE")
    write({**order, "subject": {"reference": f"Patient/{hidden.pk}"}}, status=422)


def test_an_order_is_told_anew_and_revoked(write: Write, order: Any) -> None:
    made = write(order)
    changed = write({**order, "id": made["id"], "reasonCode": [{"text": "Embolism?"}]}, key=made["id"], status=200)
    assert changed["reasonCode"] == [{"text": "Embolism?"}]
    assert changed["meta"]["versionId"] != made["meta"]["versionId"]
    gone = write(
        {**order, "id": made["id"], "status": "revoked", "note": [{"text": "Patient left"}]}, key=made["id"], status=200
    )
    assert gone["status"] == "revoked"
    assert ExamRequest.objects.get().state == State.CANCELLED


def test_who_changes_what_has_changed_meanwhile_is_told(write: Write, order: Any) -> None:
    made = write(order)
    body = {**order, "id": made["id"], "priority": "stat"}
    version = f'W/"{made["meta"]["versionId"]}"'
    write(body, key=made["id"], status=200, If_Match=version)
    write({**body, "priority": "routine"}, key=made["id"], status=412, If_Match=version)
    assert ExamRequest.objects.get().priority == 0


def test_an_exam_that_has_begun_is_not_ordered_anew(write: Write, order: Any) -> None:
    made = write(order)
    ExamRequest.objects.update(state=State.IN_PROGRESS)
    told = write({**order, "id": made["id"], "priority": "stat"}, key=made["id"], status=409)
    assert "too far" in told["issue"][0]["diagnostics"]


def test_what_others_asked_for_is_theirs(write: Write, order: Any, emergency: Department) -> None:
    theirs = exam_request(asking=emergency, performing=emergency, patient=indexed_patient())
    body = {**order, "id": str(theirs.key), "status": "revoked"}
    write(body, key=str(theirs.key), status=403)
    write(
        {**body, "id": "00000000-0000-0000-0000-000000000007"}, key="00000000-0000-0000-0000-000000000007", status=404
    )


def test_a_system_of_several_departments_says_which_one_asks(
    program: Program, write: Write, order: Any, emergency: Department
) -> None:
    second = DepartmentFactory.create(site=emergency.site, code="ward7")
    program.key = issue_machine_key(emergency, second, name="ehr").plaintext
    assert "requester.identifier" in write(order, status=422)["issue"][0]["diagnostics"]
    named = {"identifier": {"system": "urn:negatoscope:department", "value": "ward7"}, "display": "Dr Grey"}
    write({**order, "requester": named})
    assert ExamRequest.objects.get().requesting_department == second
    elsewhere = DepartmentFactory.create(code="elsewhere")
    for code in (elsewhere.code, "nowhere"):
        wrong = {"identifier": {"system": "urn:negatoscope:department", "value": code}}
        write({**order, "requester": wrong}, status=422)


@pytest.mark.parametrize(
    ("change", "status", "element"),
    [
        ({"status": "completed"}, 422, "ServiceRequest.status"),
        ({"intent": "plan"}, 422, "ServiceRequest.intent"),
        ({"identifier": []}, 422, "ServiceRequest.identifier"),
        (
            {"identifier": [{"type": {"coding": [{"code": "PLAC"}]}, "value": "x" * 65}]},
            422,
            "ServiceRequest.identifier",
        ),
        ({"code": {"coding": [{"code": "NONE"}]}}, 422, "ServiceRequest.code"),
        ({"code": {"coding": [{"code": 5}]}}, 422, "ServiceRequest.code.coding.0.code"),
        ({"occurrenceDateTime": "tomorrow"}, 422, "ServiceRequest.occurrenceDateTime"),
        ({"subject": None}, 422, "ServiceRequest.subject"),
        ({"colour": "red"}, 422, "ServiceRequest.colour"),
        ({"resourceType": "Patient"}, 400, "resourceType"),
    ],
)
def test_what_cannot_be_ordered_is_refused_with_the_element(
    change: dict[str, Any], status: int, element: str, write: Write, order: Any
) -> None:
    body = {name: value for name, value in {**order, **change}.items() if value not in (None, [])}
    told = write(body, status=status)
    assert told["issue"][0]["expression"] == [element]
    assert not ExamRequest.objects.exists()


@pytest.mark.parametrize("body", ["{", "[]", "7", "null", '"x"', "[" * 5000, '{"a":' * 60 + "1" + "}" * 60])
def test_a_body_that_is_no_resource_is_refused(body: str, write: Write) -> None:
    assert write(body, status=400)["issue"]


def test_a_body_of_another_type_is_refused(write: Write, order: Any) -> None:
    write("x=1", status=415, form="text/plain")


def test_a_key_that_only_reads_orders_nothing(
    program: Program, write: Write, order: Any, emergency: Department
) -> None:
    program.key = issue_machine_key(emergency, name="reader", rights={"fhir": [Right.LIST, Right.VIEW]}).plaintext
    assert write(order, status=403)["issue"][0]["code"] == "forbidden"
    assert not ExamRequest.objects.exists()


def test_a_person_orders_on_the_page(client: Client, alice: User, order: Any) -> None:
    client.force_login(alice)
    answer = client.post("/fhir/ServiceRequest", data=order, content_type=FORM)
    assert answer.status_code == 403
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert not ExamRequest.objects.exists()
