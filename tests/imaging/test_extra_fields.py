"""Names of columns in a body, which no form has, change nothing (ASVS 5.0 15.3.3): each door, with all that could be gained."""

import datetime as dt
import json
import uuid
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from accounts.models import Department, Membership, SignInPolicy, User
from accounts.outbound.models import OutboundHost
from accounts.roles import Role
from accounts.services import IssuedKey
from imaging.access.emergency.models import EmergencyAccess
from imaging.access.requests.models import AccessRequest
from imaging.privacy.models import DataSubjectRequest
from imaging.studies.models import Grant, Patient
from imaging.webhooks.models import Webhook
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory, issue_machine_key
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db

#: What somebody would write who knows our tables.
GREEDY = {
    **dict.fromkeys(("is_superuser", "is_staff", "is_active", "for_team", "wants_download", "gives_download"), "on"),
    **dict.fromkeys(("groups", "user_permissions", "departments", "memberships", "department_id", "user", "user_id"), "1"),
    **dict.fromkeys(("until", "ended_at", "closed_at", "expires_at", "due_on", "created_at"), "2099-01-01"),
    **dict.fromkeys(("pk", "id", "patient_id_id", "study_id", "holder", "machine_key", "generation", "sequence"), "1"),
    "state": "granted", "status": "closed", "role": "privacy_officer", "gives": "emergency", "basis": "hand",
    "handled_by": "1", "answer": "done", "minutes": "999999", "hours_granted": "999999", "verdict": "approve",
}  # fmt: skip


def told(row: Model, *but: str) -> dict[str, Any]:
    """The columns of a row, but for those that differ from one request to the next."""
    return {
        field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields if field.attname not in but
    }


def extra(form: dict[str, str]) -> dict[str, str]:
    """A form with everything beside it that it does not have."""
    return {**{name: value for name, value in GREEDY.items() if name not in form}, **form}


@pytest.fixture
def proven() -> None:
    """A hospital that asks for no second factor: signing in a moment ago is proof enough."""
    SignInPolicy.objects.create(mfa_roles=[], passkey_roles=[], passkey_acts=[])


def test_a_person_s_own_settings_make_nobody_an_administrator(client: Client, alice: User) -> None:
    client.force_login(alice)
    before, held = told(User.objects.get(pk=alice.pk), "theme", "language", "last_login"), Membership.objects.count()
    for address, form in (("/account/theme/", {"theme": "light"}), ("/language/", {"language": "fr"})):
        client.post(address, extra(form))
    assert told(User.objects.get(pk=alice.pk), "theme", "language", "last_login") == before
    assert Membership.objects.count() == held


def test_who_looks_after_people_makes_nobody_an_administrator(client: Client, alice: User, proven: None) -> None:
    keeper = UserFactory.create(username="keeper", is_staff=True)
    keeper.user_permissions.set(Permission.objects.filter(codename__in=["add_user", "change_user", "view_user"]))
    client.force_login(keeper)
    for address in ("/admin/accounts/user/add/", f"/admin/accounts/user/{alice.pk}/change/"):
        form = {
            "username": "new" if "add" in address else "alice",
            "display_name": "X",
            "language": "en",
            "theme": "dark",
        }
        client.post(address, {**extra(form), **_no_rows("memberships", "practitioner_identifiers"), "email": ""})
    assert set(User.objects.values_list("username", flat=True)) >= {"new", "alice", "keeper"}
    assert User.objects.get(username="alice").display_name == "X"
    assert not User.objects.filter(is_superuser=True).exists()
    assert list(User.objects.filter(is_staff=True)) == [keeper]


def _no_rows(*prefixes: str) -> dict[str, str]:
    return {f"{one}-{name}_FORMS": "0" for one in prefixes for name in ("TOTAL", "INITIAL", "MIN_NUM", "MAX_NUM")}


def _webhook_by(issued: IssuedKey, body: dict[str, Any]) -> Any:
    return Client().post(
        "/api/v1/webhooks",
        json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {issued.plaintext}"},
    )


def test_a_webhook_is_its_sender_s_own_whatever_its_body_says(machine: IssuedKey, orthopaedics: Department) -> None:
    other = issue_machine_key(orthopaedics, name="other")
    OutboundHost.objects.create(host="hooks.example", port=443, purpose="tests")
    address = "https://hooks.example/x"
    plain = _webhook_by(machine, {"address": address})
    assert plain.status_code == 201, plain.content
    greedy = {**GREEDY, "is_active": False, "key": str(uuid.uuid4()), "machine_key": other.key.pk, "sent_through": 0}
    assert _webhook_by(machine, {**greedy, "failures": -5, "secret": "known", "address": address}).status_code == 201
    first, second = Webhook.objects.order_by("pk")
    varying = ("id", "key", "created_at", "next_attempt_at")
    assert told(second, *varying) == told(first, *varying)
    assert second.machine_key_id == machine.key.pk


def test_bodies_of_the_interface_that_are_no_object_are_refused(machine: IssuedKey) -> None:
    bodies: tuple[Any, ...] = ([], "x", 5, None, [{"address": "https://hooks.example"}], {"address": {"a": 1}})
    for body in (*bodies, {"address": ["x"]}, {"address": True}):
        assert _webhook_by(machine, body).status_code == 400, body
    assert not Webhook.objects.exists()


def test_a_request_for_access_waits_whatever_its_form_says(
    client: Client, bob: User, archive: Archive, orthopaedics: Department
) -> None:
    archive.receive(arrivals.dataset(PatientID="P1", PatientName="Durand^Hélène", PatientBirthDate="19700102"))
    client.force_login(bob)
    page = client.post("/access/elsewhere", extra({"patient_id": "P1", "birth_date": "1970-01-02"}))
    seal = page.content.decode().partition('name="seal" value="')[2].partition('"')[0]
    form = {
        "seal": seal,
        "department": str(orthopaedics.pk),
        "relation": "treating",
        "reason": "planning",
        "words": "Hip replacement tomorrow",
    }
    form |= {"hours": "24", "target": "patient", "holder": "me"}
    answer = client.post("/access/ask", {**extra(form), "wants_download": ""})
    made = AccessRequest.objects.get()
    assert (answer.status_code, made.state, made.requester, made.hours) == (302, "waiting", bob, 24)
    assert (made.closed_at, made.renews, made.for_team, made.wants_download) == (None, None, False, False)
    client.post(f"/access/requests/{made.pk}/words", extra({"words": "y"}))
    client.post(f"/access/requests/{made.pk}/renew", extra({"hours": "24"}))
    assert client.post(
        f"/access/requests/{made.pk}/decide", extra({"verdict": "approve", "hours": "24"})
    ).status_code in {
        403,
        404,
    }
    assert AccessRequest.objects.get().state == "waiting"
    assert not Grant.objects.exists()


def test_an_emergency_lasts_as_long_as_the_hospital_says(
    client: Client, bob: User, archive: Archive, proven: None
) -> None:
    archive.receive(arrivals.dataset(PatientID="P1", PatientName="Durand^Hélène", PatientBirthDate="19700102"))
    client.force_login(bob)
    form = {"form_key": str(uuid.uuid4()), "patient_id": "P1", "birth_date": "1970-01-02", "purpose": "ETREAT"}
    answer = client.post("/access/emergency/", extra({**form, "reason": "Unconscious after a fall, earlier bleeding?"}))
    assert answer.status_code == 302, answer.content.decode()
    made, grant = EmergencyAccess.objects.get(), Grant.objects.get()
    assert made.user == bob
    assert made.is_active
    assert grant.gives == "emergency"
    assert grant.holder_id != 1 or grant.holder.is_personal
    assert grant.until is not None
    assert grant.until < timezone.now() + dt.timedelta(days=1)


def test_a_person_s_request_is_recorded_open_and_due_by_the_calendar(
    client: Client, alice: User, emergency: Department, archive: Archive, proven: None
) -> None:
    archive.receive(arrivals.dataset(PatientID="P1"))
    officer = UserFactory.create(username="olga")
    MembershipFactory.create(user=officer, department=emergency, role=Role.PRIVACY_OFFICER)
    client.force_login(officer)
    form = {"kind": "access", "asked_by": "self", "received_on": timezone.localdate().isoformat()}
    address = f"/privacy/patients/{Patient.objects.get().pk}/requests"
    client.post(address, {**form, "identity_checked": "card", "wish": "copies"})
    client.post(address, extra({**form, "identity_checked": "card", "wish": "copies"}))
    first, second = DataSubjectRequest.objects.order_by("pk")
    varying = ("id", "reference", "recorded_at", "created_at", "opened_at")
    assert told(second, *varying) == told(first, *varying)
