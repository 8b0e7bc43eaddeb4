"""Asking, deciding and ending: who may, what it opens, and what happens when things change in between."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import services as accounts
from accounts.actor import SYSTEM
from accounts.audit.models import AuditEvent
from accounts.models import Department, Membership, User
from accounts.roles import Right, Role
from accounts.scope import scope_of_user
from imaging.access.matching import Asked
from imaging.access.requests import tending
from imaging.access.requests.models import AccessPolicy, AccessRequest, RequestedStudy
from imaging.access.requests.policies import Refused, Verdict
from imaging.studies import services as studies
from imaging.studies.models import Grant, Placement, Study
from imaging.studies.rows.incoming import PlannedPlacement
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.imaging.access.requests.conftest import (
    BORN,
    FILLED,
    Desk,
    Register,
    ask_by_page,
    fresh,
    seal_of,
    work,
)

pytestmark = pytest.mark.django_db

State = AccessRequest.State
Item = RequestedStudy.State


def actions(request: AccessRequest) -> list[str]:
    rows = AuditEvent.objects.filter(detail__request=request.pk).order_by("at", "id")
    return list(rows.values_list("action", flat=True))


def test_a_request_is_asked_approved_and_opens_the_patient_to_the_one_who_asked(
    registered: Register, bob: User, marc: User, orthopaedics: Department, client: Client, mailoutbox: list[Any]
) -> None:
    study = registered()
    colleague = UserFactory.create()
    MembershipFactory.create(user=colleague, department=orthopaedics)
    client.force_login(bob)
    request = ask_by_page(client, orthopaedics)
    assert Desk().sees(bob) == set()
    assert "It waits for a decision" in client.get(f"/access/requests/{request.pk}/").content.decode()
    work()
    client.force_login(marc)
    assert "1 request waits for you" in client.get("/access/desk/").content.decode()
    page = client.get(f"/access/requests/{request.pk}/").content.decode()
    assert "Hip replacement tomorrow" in page
    assert "CT thorax" in page
    answer = client.post(f"/access/requests/{request.pk}/decide", {"verdict": "approve", "hours": "8", "note": "Go on"})
    assert answer.status_code == 302
    work()
    assert Desk().sees(bob) == {study.study_instance_uid}
    assert Desk().sees(colleague) == set()
    assert not Study.objects.visible_to(scope_of_user(fresh(bob)), Right.DOWNLOAD).exists()
    held = Grant.objects.get()
    assert held.until is not None
    assert abs(held.until - timezone.now() - timedelta(hours=8)) < timedelta(minutes=1)
    client.force_login(bob)
    page = client.get(f"/access/requests/{request.pk}/").content.decode()
    assert "It is open to you" in page
    assert "Go on" in page
    assert "Marc" not in page
    assert actions(request) == ["access.requested", "access.approved"]
    assert [mail.to for mail in mailoutbox] == [[marc.email], [bob.email]]
    for mail in mailoutbox:
        for told in ("P1", "Durand", "CT", "thorax", "Bob", "Hip", "1970"):
            assert told not in mail.subject + mail.body.replace("http", "")


def test_sending_twice_is_asking_once(
    registered: Register, bob: User, orthopaedics: Department, client: Client
) -> None:
    registered()
    client.force_login(bob)
    filled = {**FILLED, "seal": seal_of(client, **BORN), "department": str(orthopaedics.pk)}
    first, second = (client.post("/access/ask", filled)["Location"] for _time in range(2))
    again = client.post("/access/ask", {**filled, "seal": seal_of(client, **BORN)})["Location"]
    assert first == second == again
    assert AccessRequest.objects.count() == 1
    assert RequestedStudy.objects.count() == 1


def test_asking_without_a_reason_keeps_what_was_written(
    registered: Register, bob: User, orthopaedics: Department, client: Client
) -> None:
    registered()
    client.force_login(bob)
    filled = {**FILLED, "seal": seal_of(client, **BORN), "department": str(orthopaedics.pk), "reason": ""}
    answer = client.post("/access/ask", filled)
    assert answer.status_code == 422
    assert "Hip replacement tomorrow" in answer.content.decode()
    assert not AccessRequest.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"hours": "0"},
        {"hours": "99999"},
        {"relation": "king"},
        {"department": "0"},
        {"words": "\x00\x01evil"},
        {"words": "x" * 501},
        {"holder": "everybody"},
    ],
)
def test_what_cannot_be_meant_is_refused(
    changes: dict[str, str], registered: Register, bob: User, orthopaedics: Department, client: Client
) -> None:
    registered()
    client.force_login(bob)
    filled = {**FILLED, "seal": seal_of(client, **BORN), "department": str(orthopaedics.pk), **changes}
    assert client.post("/access/ask", filled).status_code == 422
    assert not AccessRequest.objects.exists()


def test_nobody_asks_in_the_name_of_a_department_that_is_not_theirs(
    registered: Register, bob: User, emergency: Department, desk: Desk
) -> None:
    registered()
    with pytest.raises(Refused):
        desk.ask(bob, department=emergency.pk)


def test_what_went_away_since_the_question_is_not_asked_for(
    registered: Register, bob: User, orthopaedics: Department, client: Client
) -> None:
    study = registered()
    client.force_login(bob)
    seal = seal_of(client, **BORN)
    Study.objects.filter(pk=study.pk).update(sensitivity="vip")
    answer = client.post("/access/ask", {**FILLED, "seal": seal, "department": str(orthopaedics.pk)})
    assert (answer.status_code, answer["Location"]) == (302, "/access/")
    assert not AccessRequest.objects.exists()


PAGES = ["", "decide", "revoke", "words", "withdraw", "renew"]


@pytest.mark.parametrize("page", PAGES)
def test_a_stranger_gets_the_answer_of_what_does_not_exist(
    page: str, registered: Register, bob: User, cardio: User, desk: Desk, client: Client
) -> None:
    registered()
    request = desk.ask(bob)
    client.force_login(cardio)
    method = client.post if page else client.get
    posted = {"verdict": "approve", "note": "note", "words": "words", "hours": "24"}
    there = method(f"/access/requests/{request.pk}/{page}", posted)
    absent = method(f"/access/requests/{request.pk + 999}/{page}", posted)
    assert there.status_code == absent.status_code == 404
    assert method(f"/access/requests/{10**25}/{page}", posted).status_code == 404
    assert desk.sees(bob) == set()


@pytest.mark.parametrize("role", [Role.ARCHIVIST, Role.ADMINISTRATOR, Role.PRIVACY_OFFICER])
def test_who_has_neither_capability_is_refused_whatever_they_ask_for(
    role: Role, registered: Register, bob: User, emergency: Department, desk: Desk, client: Client
) -> None:
    registered()
    request = desk.ask(bob)
    person = UserFactory.create()
    MembershipFactory.create(user=person, department=emergency, role=role)
    client.force_login(person)
    for key in (request.pk, request.pk + 999):
        assert client.get(f"/access/requests/{key}/").status_code == 403
        assert client.post(f"/access/requests/{key}/decide", {"verdict": "approve"}).status_code == 403
    assert client.get("/access/desk/").status_code == 403


def test_a_clinician_of_the_treating_department_does_not_decide(
    registered: Register, bob: User, alice: User, desk: Desk, client: Client
) -> None:
    registered()
    request = desk.ask(bob)
    client.force_login(alice)
    assert client.get("/access/desk/").status_code == 403
    assert client.post(f"/access/requests/{request.pk}/decide", {"verdict": "approve"}).status_code == 403
    assert client.get(f"/access/requests/{request.pk}/").status_code == 404


def test_nobody_approves_a_request_of_their_own(
    registered: Register, marc: User, orthopaedics: Department, desk: Desk, client: Client
) -> None:
    registered(also=None)
    request = desk.ask(marc)
    # Radiology is Marc's too, from now on.
    MembershipFactory.create(
        user=marc, department=Department.objects.get(code="radiology"), role=Role.DEPARTMENT_MANAGER
    )
    with pytest.raises(Refused):
        desk.decide(marc, request)
    client.force_login(marc)
    assert client.post(f"/access/requests/{request.pk}/decide", {"verdict": "approve"}).status_code == 404
    assert RequestedStudy.objects.get().state == Item.WAITING


def test_an_approver_whose_role_ended_meanwhile_decides_nothing(
    registered: Register, bob: User, marc: User, desk: Desk
) -> None:
    registered()
    request = desk.ask(bob)
    accounts.end_membership(actor=SYSTEM, membership=Membership.objects.get(user=marc))
    with pytest.raises(Refused):
        desk.decide(marc, request)
    assert desk.sees(bob) == set()


def test_a_study_that_moved_is_decided_by_its_new_department(
    registered: Register, bob: User, marc: User, cardio: User, desk: Desk
) -> None:
    study = registered()
    request = desk.ask(bob)
    for row in Placement.objects.filter(study=study):
        studies.remove_placement(row, actor=SYSTEM)
    cardiology = Department.objects.get(code="cardiology")
    studies.place_study(study, PlannedPlacement(cardiology.pk, "owner", "moved"), actor=SYSTEM)
    with pytest.raises(Refused):
        desk.decide(marc, request)
    desk.decide(cardio, request)
    assert desk.sees(bob) == {study.study_instance_uid}


def test_a_study_that_is_another_patients_by_now_is_not_opened(
    registered: Register, bob: User, marc: User, desk: Desk
) -> None:
    kept, moved = registered(), registered()
    request = desk.ask(bob)
    studies.correct(moved, {"00100020": {"vr": "LO", "Value": ["P7"]}}, reason="mixed up", actor=SYSTEM)
    desk.decide(marc, request)
    assert desk.sees(bob) == {kept.study_instance_uid}
    assert request.state == State.WAITING
    tending.tend()
    request.refresh_from_db()
    assert request.state == State.GRANTED


def test_who_may_not_ask_any_more_gets_nothing_by_a_late_approval(
    registered: Register, bob: User, marc: User, desk: Desk
) -> None:
    registered()
    request = desk.ask(bob)
    accounts.end_membership(actor=SYSTEM, membership=Membership.objects.get(user=bob))
    with pytest.raises(Refused) as refused:
        desk.decide(marc, request)
    assert refused.value.code == "requester_gone"
    assert not Grant.objects.exists()


def test_of_two_who_decide_the_second_changes_nothing(
    registered: Register, bob: User, marc: User, desk: Desk, emergency: Department, client: Client
) -> None:
    registered()
    second = UserFactory.create()
    MembershipFactory.create(user=second, department=emergency, role=Role.DEPARTMENT_MANAGER)
    request = desk.ask(bob)
    desk.decide(marc, request, Verdict.DENY, note="not now")
    with pytest.raises(Refused) as refused:
        desk.decide(second, request)
    assert refused.value.code == "decided"
    client.force_login(second)
    answer = client.post(f"/access/requests/{request.pk}/decide", {"verdict": "approve"}, follow=True)
    assert "Somebody else has decided meanwhile" in answer.content.decode()
    assert desk.sees(bob) == set()


def test_each_department_decides_for_its_own_studies(
    registered: Register, bob: User, marc: User, cardio: User, desk: Desk, client: Client
) -> None:
    cardiology = Department.objects.get(code="cardiology")
    ours, theirs = registered(), registered(owner=cardiology, also=None, StudyDescription="Secret echo")
    request = desk.ask(bob)
    client.force_login(marc)
    page = client.get(f"/access/requests/{request.pk}/").content.decode()
    assert "1 more study is not yours to read" in page
    assert "Secret echo" not in page
    desk.decide(marc, request)
    assert desk.sees(bob) == {ours.study_instance_uid}
    assert request.state == State.WAITING
    desk.decide(cardio, request, Verdict.DENY, note="protected ward")
    assert desk.sees(bob) == {ours.study_instance_uid}
    assert request.state == State.GRANTED
    assert theirs.study_instance_uid not in desk.sees(bob)


def test_a_request_for_one_study_opens_that_one_alone(registered: Register, bob: User, marc: User, desk: Desk) -> None:
    wanted, other = registered(AccessionNumber="A1"), registered(AccessionNumber="A2")
    asked = Asked(patient_id="P1", accession_number="A1")
    desk.decide(marc, desk.ask(bob, asked, whole_patient=False))
    assert desk.sees(bob) == {wanted.study_instance_uid}
    assert other.study_instance_uid not in desk.sees(bob)


def test_a_team_sees_what_was_granted_to_the_team(
    registered: Register, bob: User, marc: User, orthopaedics: Department, desk: Desk
) -> None:
    study = registered()
    colleague = UserFactory.create()
    MembershipFactory.create(user=colleague, department=orthopaedics)
    desk.decide(marc, desk.ask(bob, for_team=True))
    assert desk.sees(colleague) == {study.study_instance_uid}


@pytest.mark.parametrize(
    ("wanted", "allowed", "ticked"), [(True, True, True), (True, False, True), (True, True, False)]
)
def test_a_download_is_given_when_it_was_asked_for_allowed_and_ticked(
    wanted: bool, allowed: bool, ticked: bool, registered: Register, bob: User, marc: User, desk: Desk
) -> None:
    registered()
    AccessPolicy.objects.create(may_give_download=allowed)
    desk.decide(marc, desk.ask(bob, wants_download=wanted), download=ticked)
    given = Study.objects.visible_to(scope_of_user(fresh(bob)), Right.DOWNLOAD).exists()
    assert given == (wanted and allowed and ticked)


def test_nobody_gives_more_than_was_asked_for_nor_than_the_policy_allows(
    registered: Register, bob: User, marc: User, desk: Desk
) -> None:
    registered()
    AccessPolicy.objects.create(longest_hours=4, may_give_download=True)
    desk.decide(marc, desk.ask(bob, hours=8), hours=5000, download=True)
    held = Grant.objects.get()
    assert held.until is not None
    assert held.until <= timezone.now() + timedelta(hours=4)
    assert held.gives == Grant.Gives.VIEW


def test_a_denial_says_why(registered: Register, bob: User, marc: User, desk: Desk, client: Client) -> None:
    registered()
    request = desk.ask(bob)
    client.force_login(marc)
    answer = client.post(f"/access/requests/{request.pk}/decide", {"verdict": "deny", "note": " "})
    assert answer.status_code == 422
    assert (
        client.post(f"/access/requests/{request.pk}/decide", {"verdict": "deny", "note": "Call me"}).status_code == 302
    )
    client.force_login(bob)
    page = client.get(f"/access/requests/{request.pk}/").content.decode()
    assert "Call me" in page
    page = page.split("<main")[1].split("</main>")[0]
    for told in ("Marc", "Emergency", "Radiology", "thorax", "Durand^"):
        assert told not in page
    assert actions(request) == ["access.requested", "access.denied"]


def test_a_question_goes_back_and_forth(
    registered: Register, bob: User, marc: User, desk: Desk, client: Client, mailoutbox: list[Any]
) -> None:
    registered()
    request = desk.ask(bob)
    work()
    address = f"/access/requests/{request.pk}/words"
    client.force_login(marc)
    client.post(address, {"words": "Which hip?"})
    work()
    client.force_login(bob)
    page = client.get(f"/access/requests/{request.pk}/").content.decode()
    assert "Which hip?" in page
    assert "Your answer is needed" in page
    assert "Marc" not in page
    client.post(address, {"words": "The left one"})
    work()
    client.force_login(marc)
    assert "The left one" in client.get(f"/access/requests/{request.pk}/").content.decode()
    assert [mail.to[0] for mail in mailoutbox] == [marc.email, bob.email, marc.email]
    desk.decide(marc, request)
    client.post(address, {"words": "Too late"})
    assert request.messages.count() == 2
