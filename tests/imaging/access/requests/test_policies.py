"""What a department's policy lets in, who stands in for whom, and what is told of it."""

import pytest
from django.test import Client

from accounts import services as accounts
from accounts.actor import SYSTEM
from accounts.audit.models import AuditEvent
from accounts.models import Department, User
from accounts.roles import Role
from imaging.access.matching import Asked
from imaging.access.requests.models import AccessPolicy, AccessRequest, Relation, RequestedStudy
from imaging.access.requests.policies import Refused
from imaging.studies.models import Study
from imaging.studies.rows import placement
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.imaging.access.requests.conftest import (
    Desk,
    Register,
)

pytestmark = pytest.mark.django_db

State = AccessRequest.State


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
