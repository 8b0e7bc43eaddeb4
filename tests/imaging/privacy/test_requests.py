"""The register of requests: due in a month, answered once, tied to what was done."""

import datetime as dt
import zoneinfo
from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from accounts import services as accounts
from accounts.actor import Actor
from accounts.audit.models import AuditEvent
from accounts.models import Department, User
from accounts.roles import Right, Role
from accounts.scope import scope_of_user
from accounts.selectors import time_zone_of
from imaging.privacy.models import CorrectionTask, DataSubjectRequest, RequestLine
from imaging.privacy.requests import policies, services
from imaging.studies import oppositions
from imaging.studies import services as studies
from imaging.studies.models import Grant, Patient, PatientChoice, Study
from tests.factories.accounts import MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db

Asked = Callable[..., DataSubjectRequest]


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("2026-01-15", "2026-02-16"),  # the 15th of February is a Sunday
        ("2026-01-31", "2026-03-02"),  # no 31st of February, and the 28th is a Saturday
        ("2026-06-10", "2026-07-10"),
        ("2026-12-31", "2027-02-01"),
    ],
)
def test_an_answer_is_due_a_month_after_receipt_and_never_on_a_weekend(received: str, due: str) -> None:
    assert policies.due_on(dt.date.fromisoformat(received)).isoformat() == due


def test_the_time_is_extended_once_by_two_months_with_the_reason(asked: Asked, acting: Actor) -> None:
    request = asked(received_on=dt.date(2026, 6, 10))
    services.extend(request, because="twenty studies on film", actor=acting)
    request.refresh_from_db()
    assert request.due_on == dt.date(2026, 9, 10)
    with pytest.raises(services.AlreadyDecided):
        services.extend(request, because="again", actor=acting)


def test_what_is_overdue_is_marked_on_the_desk_and_in_the_register(desk: Client, asked: Asked) -> None:
    request = asked(received_on=timezone.localdate() - dt.timedelta(days=60))
    assert "1 request is overdue." in desk.get("/privacy/").content.decode()
    assert "overdue" in desk.get("/privacy/requests/").content.decode()
    assert request.is_overdue


def test_a_request_is_recorded_on_the_patients_page_and_is_on_record(desk: Client, patient: Patient) -> None:
    typed = {
        "kind": "access",
        "asked_by": "self",
        "received_on": timezone.localdate().isoformat(),
        "identity_checked": "card",
        "wish": "<script>alert(1)</script>",
    }
    response = desk.post(f"/privacy/patients/{patient.pk}/requests", typed)
    made = DataSubjectRequest.objects.get()
    page = desk.get(response["Location"]).content.decode()
    assert made.reference in page
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;" in page
    assert AuditEvent.objects.filter(action="privacy_request.recorded", patient_id="P1").count() == 1


def test_a_request_of_tomorrow_is_sent_back(desk: Client, officer: User, patient: Patient) -> None:
    today = timezone.localdate(timezone=zoneinfo.ZoneInfo(time_zone_of(officer) or "UTC"))
    typed = {
        "kind": "access",
        "asked_by": "self",
        "received_on": (today + dt.timedelta(days=1)).isoformat(),
        "identity_checked": "card",
    }
    response = desk.post(f"/privacy/patients/{patient.pk}/requests", typed)
    assert response.status_code == 422
    assert "still to come" in response.content.decode()


def test_a_request_is_closed_once_and_says_why(desk: Client, asked: Asked) -> None:
    request = asked()
    for answer in ("Sent by post.", "Something else."):
        desk.post(f"/privacy/requests/{request.pk}/close", {"state": "answered", "answer": answer})
    request.refresh_from_db()
    assert (request.state, request.answer) == ("answered", "Sent by post.")
    assert RequestLine.objects.filter(request=request, what="closed").count() == 1


def test_a_correction_goes_to_people_who_have_the_patient_and_may_correct(
    desk: Client, asked: Asked, signed_in: Callable[[User], Client], emergency: Department, orthopaedics: Department
) -> None:
    request = asked("rectification")
    desk.post(
        f"/privacy/requests/{request.pk}/correction",
        {"field": "birth_date", "wanted": "2 January 1971", "evidence": ""},
    )
    task = CorrectionTask.objects.get()
    rosa, omar = UserFactory.create(username="rosa"), UserFactory.create(username="omar")
    MembershipFactory.create(user=rosa, department=emergency, role=Role.RADIOGRAPHER)
    MembershipFactory.create(user=omar, department=orthopaedics, role=Role.RADIOGRAPHER)
    said = {"outcome": "done", "reason": "Corrected on both studies."}
    assert "2 January 1971" not in signed_in(omar).get("/privacy/corrections/").content.decode()
    assert signed_in(omar).post(f"/privacy/corrections/{task.pk}/decide", said).status_code == 404
    page = signed_in(rosa).get("/privacy/corrections/").content.decode()
    assert "2 January 1971" in page
    uid = Study.objects.get().study_instance_uid
    assert f'href="/studies/{uid}/"' in page
    signed_in(rosa).post(f"/privacy/corrections/{task.pk}/decide", said)
    task.refresh_from_db()
    assert (task.state, task.decided_by) == ("done", "rosa")
    assert RequestLine.objects.filter(request=request, what="corrected", by="rosa").exists()


def test_the_officer_cannot_correct_herself(desk: Client, asked: Asked) -> None:
    request = asked("rectification")
    desk.post(f"/privacy/requests/{request.pk}/correction", {"field": "name", "wanted": "Durant"})
    task = CorrectionTask.objects.get()
    assert desk.get("/privacy/corrections/").status_code == 403
    assert desk.post(f"/privacy/corrections/{task.pk}/decide", {"outcome": "done", "reason": "x"}).status_code == 403


def test_a_restricted_record_is_seen_by_nobody_until_it_is_lifted(
    desk: Client, asked: Asked, alice: User, study: Study
) -> None:
    request = asked("restriction")
    desk.post(f"/privacy/requests/{request.pk}/restrict", {"reason": "accuracy contested"})
    assert not Study.objects.visible_to(scope_of_user(alice), Right.LIST).exists()
    desk.post(f"/privacy/requests/{request.pk}/restrict", {"lift": "1", "reason": "checked"})
    assert Study.objects.visible_to(scope_of_user(alice), Right.LIST).count() == 1
    assert list(request.lines.values_list("what", flat=True)) == ["recorded", "restricted", "lifted"]


def test_who_tries_a_restricted_record_is_refused_and_that_is_on_record(
    desk: Client, asked: Asked, alice: User, study: Study, signed_in: Callable[[User], Client]
) -> None:
    desk.post(f"/privacy/requests/{asked('restriction').pk}/restrict", {"reason": "accuracy contested"})
    assert signed_in(alice).get(f"/studies/{study.study_instance_uid}/").status_code == 404
    refused = AuditEvent.objects.filter(
        action="study.refused", subject_uid=study.study_instance_uid, actor_name="alice"
    )
    assert refused.exists()


def test_a_restriction_needs_its_reason(desk: Client, asked: Asked, alice: User) -> None:
    desk.post(f"/privacy/requests/{asked('restriction').pk}/restrict", {"reason": "  "})
    assert Study.objects.visible_to(scope_of_user(alice), Right.LIST).count() == 1


def test_a_choice_is_recorded_with_its_evidence_and_withdrawn(desk: Client, asked: Asked, patient: Patient) -> None:
    request = asked("objection")
    typed = {
        "use": "departments",
        "answer": "opposed",
        "said_by": "patient",
        "said_on": "2026-03-01",
        "evidence": "form in the file",
        "request": str(request.pk),
    }
    desk.post(f"/privacy/patients/{patient.pk}/choices/record", typed)
    assert oppositions.is_opposed(patient, PatientChoice.Use.DEPARTMENTS)
    assert not oppositions.is_opposed(patient, PatientChoice.Use.RESEARCH)
    assert "form in the file" in desk.get(f"/privacy/patients/{patient.pk}/choices/").content.decode()
    choice = PatientChoice.objects.get()
    desk.post(f"/privacy/choices/{choice.pk}/withdraw")
    assert not oppositions.is_opposed(patient, PatientChoice.Use.DEPARTMENTS)
    assert AuditEvent.objects.filter(action__startswith="patient_choice.", patient_id="P1").count() == 2


def test_the_latest_choice_of_a_use_holds(patient: Patient, acting: Actor) -> None:
    for answer in ("opposed", "agreed"):
        oppositions.record_choice(
            patient,
            use="research",
            answer=answer,
            said_by="patient",
            said_on=dt.date(2026, 3, 1),
            evidence="form",
            actor=acting,
        )
    assert not oppositions.is_opposed(patient, PatientChoice.Use.RESEARCH)
    assert PatientChoice.objects.in_force().count() == 1


def test_an_opposition_ends_what_a_referring_physician_was_given_by_rule_and_not_what_a_person_decided(
    bob: User, orthopaedics: Department, patient: Patient, study: Study, acting: Actor
) -> None:
    place = accounts.own_place_of(bob, site=orthopaedics.site)
    terms = {"holder": place, "gives": Grant.Gives.VIEW, "until": None, "actor": acting}
    by_rule = studies.grant(study, basis=Grant.Basis.REFERRER, source="referrer:1", **terms)
    by_person = studies.grant(study, basis=Grant.Basis.REQUEST, **terms)
    services.record_choice(
        patient,
        use="departments",
        answer="opposed",
        said_by="patient",
        said_on=dt.date(2026, 3, 1),
        evidence="form",
        actor=acting,
    )
    assert list(Grant.objects.live()) == [by_person]
    assert by_rule.pk != by_person.pk


@pytest.mark.parametrize("page", ["choices/", "requests"])
def test_being_shown_who_a_patient_is_by_a_number_is_on_record(page: str, desk: Client, patient: Patient) -> None:
    assert desk.get(f"/privacy/patients/{patient.pk}/{page}").status_code == 200
    assert AuditEvent.objects.filter(action="audit.read", patient_id="P1", detail__asked="desk").count() == 1
