"""The audit in the administration: asking by department and issuer, taking it along, its receivers and its policy."""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from fhir.resources.R4B.auditevent import AuditEvent as Resource

from accounts import audit
from accounts.actor import Actor
from accounts.audit import Action, order
from accounts.audit.models import AuditEvent, AuditPolicy, AuditReceiver
from accounts.models import User
from tests.accounts.audit.syslog_servers import Authority
from tests.factories.accounts import DepartmentFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db
LIST = "admin:accounts_auditevent_changelist"
EXPORT = "admin:accounts_auditevent_export"


@pytest.fixture
def client() -> Client:
    """An administrator's browser."""
    client = Client()
    client.force_login(UserFactory.create(is_staff=True, is_superuser=True))
    return client


def opened_by(user: User, **more: Any) -> None:
    actor = Actor(kind="user", id=str(user.pk), name=user.get_username(), address="10.0.0.7", door="page")
    fields = {"subject_type": "study", "subject_uid": "1.2.3", "patient_id": "MRN1", "issuer_of_patient_id": "CHU"}
    audit.record(Action.STUDY_OPENED, actor=actor, **(fields | more))  # type: ignore[arg-type]


def listed(client: Client, **asked: str) -> list[AuditEvent]:
    response = client.get(reverse(LIST), asked)
    assert response.status_code == 200
    return list(response.context["cl"].result_list)


def test_the_audit_is_asked_by_department_and_by_issuer(client: Client) -> None:
    emergency, surgery = DepartmentFactory.create(code="emergency"), DepartmentFactory.create(code="surgery")
    one, two = UserFactory.create(), UserFactory.create()
    MembershipFactory.create(user=one, department=emergency)
    MembershipFactory.create(user=two, department=surgery)
    opened_by(one)
    opened_by(two, issuer_of_patient_id="CLINIC")
    opened_by(two, issuer_of_patient_id="")
    assert [row.actor_id for row in listed(client, department="emergency")] == [str(one.pk)]
    assert len(listed(client, department="surgery")) == 2
    assert len(listed(client, patient="MRN1")) == 3
    assert len(listed(client, patient="MRN1", issuer="CHU")) == 2
    assert listed(client, department="nowhere") == []


@pytest.mark.parametrize("form", ["csv", "json", "fhir", "dicom"])
def test_what_is_listed_can_be_taken_along_in_every_format(client: Client, form: str) -> None:
    opened_by(UserFactory.create(), detail={"reason": "=HYPERLINK(1)"})
    response = client.post(reverse(EXPORT) + "?action=study.opened", {"format": form})
    assert response.status_code == 200
    body = b"".join(response.streaming_content)  # type: ignore[attr-defined]
    if form == "csv":
        assert "issuer_of_patient_id" in body.decode("utf-8-sig").splitlines()[0]
    elif form == "json":
        assert json.loads(body)["departments"] == []
    elif form == "fhir":
        Resource.model_validate(json.loads(body))
    event = AuditEvent.objects.get(action=Action.AUDIT_EXPORTED)
    assert (event.detail["format"], event.detail["events"]) == (form, 1)
    assert client.post(reverse(EXPORT), {"format": "../etc"}).status_code == 400


def receiver_form(**more: Any) -> dict[str, Any]:
    fields = {"name": "repository", "host": "audit.hospital.example", "port": "6514", "networks": "10.20.0.0/16"}
    return {**fields, "certificates": Authority().pem, "own_certificate": "", "is_active": "on", **more}


def test_a_receiver_begins_now_or_at_the_beginning(client: Client) -> None:
    opened_by(UserFactory.create())
    address = reverse("admin:accounts_auditreceiver_add")
    assert client.post(address, receiver_form()).status_code == 302
    row = AuditReceiver.objects.get()
    assert row.sent_through > 0
    assert row.networks == ["10.20.0.0/16"]
    more = receiver_form(name="second", from_beginning="on", event_ids=["110106", "110113"])
    assert client.post(address, more).status_code == 302
    second = AuditReceiver.objects.get(name="second")
    assert (second.sent_through, second.event_ids) == (0, ["110106", "110113"])
    page = client.get(reverse("admin:accounts_auditreceiver_changelist")).content.decode()
    assert f"{order.last_number()} events to come" in page
    AuditReceiver.objects.filter(pk=second.pk).update(problem="not_trusted", failures=3)
    page = client.get(reverse("admin:accounts_auditreceiver_change", args=[second.pk])).content.decode()
    assert "not signed by the authority" in page
    assert AuditEvent.objects.filter(action=Action.SETTING_CHANGED, subject_type="auditreceiver").count() == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "https://audit.example"},
        {"host": "Audit"},
        {"port": "0"},
        {"networks": "169.254.0.0/16"},
        {"certificates": "no certificate"},
        {"own_certificate": "../../secrets/key.pem"},
        {"own_certificate": "missing.pem"},
        {"event_ids": ["999"]},
    ],
)
def test_a_receiver_that_cannot_work_is_refused_at_once(client: Client, data_dir: Any, wrong: dict[str, Any]) -> None:
    response = client.post(reverse("admin:accounts_auditreceiver_add"), receiver_form(**wrong))
    assert response.status_code == 200
    assert response.context["errors"]
    assert not AuditReceiver.objects.exists()


def test_a_short_time_must_be_meant(client: Client) -> None:
    response = client.get(reverse("admin:accounts_auditpolicy_changelist"), follow=True)
    assert response.status_code == 200
    address = reverse("admin:accounts_auditpolicy_change", args=[1])
    form = {"retention_years": "2", "signals": ["volume"], "threshold": "2", "usual_patients": "40"}
    assert client.post(address, form).status_code == 200
    assert AuditPolicy.objects.get().retention_years == 10
    assert client.post(address, {**form, "is_short_meant": "on"}).status_code == 302
    assert AuditPolicy.objects.get().retention_years == 2
    assert AuditPolicy.objects.get().signals == ["volume"]
    event = AuditEvent.objects.filter(subject_type="auditpolicy").get()
    assert event.action == Action.SETTING_CHANGED
