"""Asking, deciding and ending: who may, what it opens, and what happens when things change in between."""

import uuid
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
from imaging.access.requests.models import AccessPolicy, AccessRequest, Relation, RequestedStudy
from imaging.access.requests.policies import Refused, Verdict
from imaging.studies import services as studies
from imaging.studies.models import Grant, Placement, Study
from imaging.studies.rows import placement
from imaging.studies.rows.incoming import PlannedPlacement
from tests.factories.accounts import DepartmentFactory, MembershipFactory, UserFactory
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


@pytest.fixture
def cardio(emergency: Department) -> User:
    """A manager of a department that has nothing to do with it."""
    user = UserFactory.create(username="cardio")
    department = DepartmentFactory.create(code="cardiology", site=emergency.site)
    MembershipFactory.create(user=user, department=department, role=Role.DEPARTMENT_MANAGER)
    return user


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


def test_a_request_is_withdrawn_and_what_was_granted_given_back(
    registered: Register, bob: User, marc: User, desk: Desk, client: Client
) -> None:
    registered()
    request = desk.ask(bob)
    client.force_login(bob)
    client.post(f"/access/requests/{request.pk}/withdraw")
    with pytest.raises(Refused):
        desk.decide(marc, request)
    second = desk.ask(bob)
    desk.decide(marc, second)
    assert desk.sees(bob)
    client.post(f"/access/requests/{second.pk}/withdraw")
    assert desk.sees(bob) == set()
    assert actions(request)[-1] == "access.withdrawn"
    assert actions(second)[-1] == "access.given_back"


def test_revoking_closes_every_door_at_once(
    registered: Register, bob: User, marc: User, desk: Desk, client: Client
) -> None:
    study = registered()
    request = desk.ask(bob)
    desk.decide(marc, request)
    doors = (f"/studies/{study.study_instance_uid}/", f"/dicom-web/studies/{study.study_instance_uid}/metadata")
    client.force_login(bob)
    assert [client.get(door).status_code for door in doors] == [200, 200]
    client.force_login(marc)
    assert "Bob" in client.get("/access/desk/?show=granted").content.decode()
    client.post(f"/access/requests/{request.pk}/revoke", {"note": "Operation cancelled"})
    client.force_login(bob)
    assert [client.get(door).status_code for door in doors] == [404, 404]
    page = client.get(f"/access/requests/{request.pk}/").content.decode()
    assert "revoked" in page
    assert "Operation cancelled" in page
    assert actions(request)[-1] == "access.revoked"


def test_a_renewal_prolongs_from_the_end_and_waits_once(
    registered: Register, bob: User, marc: User, desk: Desk, client: Client
) -> None:
    study = registered()
    request = desk.ask(bob)
    desk.decide(marc, request)
    ends = Grant.objects.get().until
    assert ends is not None
    client.force_login(bob)
    addresses = {client.post(f"/access/requests/{request.pk}/renew", {"hours": "24"})["Location"] for _time in range(2)}
    assert len(addresses) == 1
    renewal = AccessRequest.objects.get(renews=request)
    desk.decide(marc, renewal)
    assert desk.sees(bob) == {study.study_instance_uid}
    placed = Placement.objects.get(study=study, department=fresh(bob).own_place)
    assert placed.until == ends + timedelta(hours=24)
    Grant.objects.update(until=timezone.now() - timedelta(seconds=1))
    Placement.objects.filter(pk=placed.pk).update(until=timezone.now())
    client.post(f"/access/requests/{renewal.pk}/renew", {"hours": "24"})
    assert AccessRequest.objects.count() == 2


@pytest.mark.parametrize("relation", [Relation.TREATING, Relation.TEACHING, Relation.OTHER])
def test_a_relation_that_is_let_in_at_once_is_and_teaching_never(
    relation: Relation, registered: Register, bob: User, desk: Desk
) -> None:
    registered()
    AccessPolicy.objects.create(automatic=list(Relation))
    request = desk.ask(bob, relation=relation)
    opens = relation is Relation.TREATING
    assert (request.state == State.GRANTED) is opens
    assert bool(desk.sees(bob)) is opens
    if opens:
        assert RequestedStudy.objects.get().handling == "automatic"
        assert AuditEvent.objects.get(action="access.approved").actor_kind == "system"


@pytest.mark.parametrize("more", [{"for_team": True}, {"wants_download": True}])
def test_no_rule_lets_a_team_in_or_gives_a_download(
    more: dict[str, bool], registered: Register, bob: User, desk: Desk
) -> None:
    registered()
    AccessPolicy.objects.create(automatic=[Relation.TREATING], may_give_download=True)
    assert desk.ask(bob, **more).state == State.WAITING


def test_a_relation_that_is_verified_lets_in_who_treats_the_patient_and_nobody_else(
    registered: Register, bob: User, orthopaedics: Department, desk: Desk
) -> None:
    registered()
    AccessPolicy.objects.create(verified=[Relation.TREATING])
    assert desk.ask(bob).state == State.WAITING
    AccessRequest.objects.update(state=State.WITHDRAWN)
    registered(also=orthopaedics)
    request = desk.ask(bob)
    assert request.state == State.GRANTED
    assert RequestedStudy.objects.filter(request=request, handling="verified").exists()


def test_a_placement_that_was_granted_proves_no_care(
    registered: Register, bob: User, marc: User, orthopaedics: Department, desk: Desk
) -> None:
    AccessPolicy.objects.create(verified=[Relation.TREATING])
    first = registered(AccessionNumber="A1")
    asked = Asked(patient_id="P1", accession_number="A1")
    desk.decide(marc, desk.ask(bob, asked, whole_patient=False, for_team=True))
    assert desk.sees(bob) == {first.study_instance_uid}
    registered(AccessionNumber="A2")
    assert desk.ask(bob).state == State.WAITING


def test_the_name_of_who_decides_is_told_where_the_department_lets_it(
    registered: Register, bob: User, radiology: Department, desk: Desk, client: Client
) -> None:
    registered()
    request = desk.ask(bob)
    client.force_login(bob)
    assert "Radiology" not in client.get(f"/access/requests/{request.pk}/").content.decode()
    AccessPolicy.objects.create(department=radiology, says_its_name=True)
    assert "Radiology" in client.get(f"/access/requests/{request.pk}/").content.decode()


def test_the_performing_department_alone_decides_where_its_policy_says_so(
    registered: Register, bob: User, marc: User, radiology: Department, desk: Desk
) -> None:
    registered()
    AccessPolicy.objects.create(department=radiology, deciders="owner")
    request = desk.ask(bob)
    with pytest.raises(Refused):
        desk.decide(marc, request)
    head = UserFactory.create()
    MembershipFactory.create(user=head, department=radiology, role=Role.DEPARTMENT_MANAGER)
    desk.decide(head, request)
    assert desk.sees(bob)


def test_a_deputy_decides_where_nobody_else_can_and_not_otherwise(
    registered: Register, bob: User, cardio: User, marc: User, radiology: Department, desk: Desk
) -> None:
    registered(also=None)
    cardiology = Department.objects.get(code="cardiology")
    policy = AccessPolicy.objects.create(department=radiology, deputy=cardiology)
    request = desk.ask(bob)
    head = UserFactory.create()
    manages = MembershipFactory.create(user=head, department=radiology, role=Role.DEPARTMENT_MANAGER)
    with pytest.raises(Refused):
        desk.decide(cardio, request)
    accounts.end_membership(actor=SYSTEM, membership=manages)
    desk.decide(cardio, request)
    assert desk.sees(bob)
    assert policy.deputy_id == cardiology.pk


def test_a_protected_study_stays_closed_though_it_was_granted(
    registered: Register, bob: User, marc: User, desk: Desk, client: Client
) -> None:
    study = registered(StudyDescription="Secret thing")
    request = desk.ask(bob)
    desk.decide(marc, request)
    Study.objects.filter(pk=study.pk).update(sensitivity="protected")
    placement.refresh(studies=[study.pk])
    assert desk.sees(bob) == set()
    client.force_login(bob)
    assert "Secret thing" not in client.get(f"/access/requests/{request.pk}/").content.decode()


HOSTILE = '"><script>alert(1)</script>{{ 7*7 }}\u202egpj'


def test_hostile_words_are_words(
    registered: Register, bob: User, marc: User, orthopaedics: Department, client: Client
) -> None:
    registered()
    client.force_login(bob)
    request = ask_by_page(client, orthopaedics, words=HOSTILE)
    client.post(f"/access/requests/{request.pk}/words", {"words": HOSTILE})
    client.force_login(marc)
    client.post(f"/access/requests/{request.pk}/words", {"words": HOSTILE})
    client.post(f"/access/requests/{request.pk}/decide", {"verdict": "deny", "note": HOSTILE})
    for user, address in (
        (bob, f"/access/requests/{request.pk}/"),
        (marc, f"/access/requests/{request.pk}/"),
        (bob, "/access/"),
        (marc, "/access/desk/?show=history"),
    ):
        client.force_login(user)
        text = client.get(address).content.decode()
        assert "<script>alert" not in text
        assert "49" not in text.split("Questions and answers")[-1].split("</section>")[0] or "{{ 7*7 }}" in text


def test_pages_of_requests_are_kept_by_nobody(registered: Register, bob: User, desk: Desk, client: Client) -> None:
    registered()
    request = desk.ask(bob)
    client.force_login(bob)
    for address in ("/access/", f"/access/requests/{request.pk}/"):
        assert "no-store" in client.get(address)["Cache-Control"]


def test_the_forms_take_no_post_of_another_site(registered: Register, bob: User, marc: User, desk: Desk) -> None:
    registered()
    request = desk.ask(bob)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(marc)
    assert strict.post(f"/access/requests/{request.pk}/decide", {"verdict": "approve"}).status_code == 403
    assert strict.post("/access/elsewhere", BORN).status_code == 403
    assert desk.sees(bob) == set()


def test_the_same_token_of_another_person_is_another_request(
    registered: Register, bob: User, orthopaedics: Department, desk: Desk
) -> None:
    registered()
    token = uuid.uuid4()
    other = UserFactory.create()
    MembershipFactory.create(user=other, department=orthopaedics)
    first, second = desk.ask(bob, token=token), desk.ask(other, token=token)
    assert first != second
    assert {first.requester, second.requester} == {bob, other}


def test_the_bar_shows_what_waits(registered: Register, bob: User, marc: User, desk: Desk, client: Client) -> None:
    registered()
    desk.ask(bob)
    client.force_login(marc)
    assert "1 waiting" in client.get("/").content.decode()
