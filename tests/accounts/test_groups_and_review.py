"""Roles held in groups of departments, clearances, and the review of who has which role where."""

import csv
import io
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import powers, selectors, services
from accounts.actor import SYSTEM
from accounts.audit.models import AuditEvent
from accounts.labels import Label
from accounts.models import Department, DepartmentGroup, Membership, User
from accounts.roles import POWERS, Capability, Right, Role
from accounts.scope import scope_of_user
from tests.factories.accounts import DepartmentFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def group(emergency: Department, orthopaedics: Department) -> DepartmentGroup:
    """Emergency and orthopaedics."""
    made = DepartmentGroup.objects.create(code="acute", name="Acute care", name_fr="Soins aigus")
    made.departments.set([emergency, orthopaedics])
    return made


@pytest.fixture
def desk(client: Client) -> Client:
    """A browser of an administrator, who has just signed in."""
    client.force_login(UserFactory.create(username="admin", is_staff=True, is_superuser=True))
    return client


def test_a_role_in_a_group_is_held_in_each_of_its_departments_while_it_is_one(
    group: DepartmentGroup, emergency: Department, orthopaedics: Department, charlie: User
) -> None:
    services.add_membership(actor=SYSTEM, user=charlie, group=group, role=Role.DEPARTMENT_MANAGER)
    both = frozenset({emergency.pk, orthopaedics.pk})
    assert scope_of_user(charlie).departments_with(Right.VIEW) == both
    assert selectors.capabilities_by_department(charlie)[Capability.APPROVE_ACCESS] == both
    assert selectors.roles_by_department(charlie) == {Role.DEPARTMENT_MANAGER: both}
    assert selectors.people_capable(Capability.APPROVE_ACCESS, department_ids=[orthopaedics.pk]) == [charlie]
    assert selectors.time_zone_of(charlie) == emergency.site.time_zone
    assert [row.group for row in powers.powers_of_person(charlie).held] == ["Acute care", "Acute care"]
    group.departments.remove(orthopaedics)
    assert scope_of_user(charlie).departments_with(Right.VIEW) == {emergency.pk}
    Department.objects.filter(pk=emergency.pk).update(is_active=False)
    assert scope_of_user(charlie).is_empty
    assert selectors.people_capable(Capability.APPROVE_ACCESS) == []


def test_a_membership_of_a_group_ends_like_any_other(group: DepartmentGroup, charlie: User) -> None:
    soon = timezone.now() + timedelta(minutes=5)
    held = services.add_membership(actor=SYSTEM, user=charlie, group=group, role=Role.CLINICIAN, valid_until=soon)
    assert scope_of_user(charlie).valid_until == soon
    services.end_membership(actor=SYSTEM, membership=held)
    assert scope_of_user(charlie).is_empty
    assert AuditEvent.objects.filter(action="membership.ended").latest("at").detail["group"] == "acute"


def test_a_membership_is_of_a_department_or_a_group(
    group: DepartmentGroup, emergency: Department, charlie: User
) -> None:
    for where in ({}, {"group": group, "department": emergency}):
        with pytest.raises(ValidationError, match="one of the two"):
            services.add_membership(actor=SYSTEM, user=charlie, role=Role.CLINICIAN, **where)
        with pytest.raises(IntegrityError), transaction.atomic():
            Membership.objects.create(user=charlie, role=Role.CLINICIAN, **where)


def test_nobody_is_cleared_for_restricted_records(emergency: Department, charlie: User) -> None:
    with pytest.raises(ValidationError, match="nobody is cleared"):
        services.add_membership(
            actor=SYSTEM, user=charlie, department=emergency, role=Role.RADIOLOGIST, clears=[Label.RESTRICTED]
        )
    Membership.objects.create(user=charlie, department=emergency, role=Role.RADIOLOGIST, clears=[Label.RESTRICTED])
    assert scope_of_user(charlie).clearances == {(emergency.pk, Label.STAFF)}, "not even by a row written past the rule"
    assert not any(Label.RESTRICTED in held.clears for held in POWERS.values())


def test_the_scope_of_a_person_is_two_queries_whatever_the_person_holds(group: DepartmentGroup, charlie: User) -> None:
    services.add_membership(actor=SYSTEM, user=charlie, group=group, role=Role.CLINICIAN)
    for _ in range(3):
        MembershipFactory.create(user=charlie, department=DepartmentFactory.create(), clears=[Label.VIP])
    with CaptureQueriesContext(connection) as queries:
        scope_of_user(charlie)
    # What the person holds, and which collections lend to them.
    assert len(queries) == 2


def line_form(user: User, **changes: object) -> dict[str, object]:
    now = timezone.localtime()
    return {
        "user": user.pk,
        "department": "",
        "group": "",
        "role": Role.CLINICIAN,
        "valid_from_0": f"{now:%Y-%m-%d}",
        "valid_from_1": f"{now:%H:%M:%S}",
        "valid_until_0": "",
        "valid_until_1": "",
        **changes,
    }


def test_the_admin_refuses_memberships_that_make_no_sense(
    desk: Client, group: DepartmentGroup, emergency: Department, charlie: User
) -> None:
    address = reverse("admin:accounts_membership_add")
    for wrong in (
        {},
        {"department": emergency.pk, "group": group.pk},
        {"department": emergency.pk, "clears": [Label.RESTRICTED]},
        {"department": emergency.pk, "valid_until_0": "2020-01-01", "valid_until_1": "00:00"},
    ):
        answer = desk.post(address, line_form(charlie, **wrong))
        assert answer.status_code == 200, wrong
        assert not Membership.objects.exists()
    assert desk.post(address, line_form(charlie, group=group.pk, clears=[Label.VIP])).status_code == 302
    held = Membership.objects.get()
    assert (held.where, held.clears) == (group, [Label.VIP])
    assert held.made_by is not None
    assert held.made_by.username == "admin"


def test_who_leaves_a_department_without_a_head_is_told(desk: Client, emergency: Department, charlie: User) -> None:
    head = MembershipFactory.create(user=charlie, department=emergency, role=Role.DEPARTMENT_MANAGER)
    other = MembershipFactory.create(department=emergency, role=Role.DEPARTMENT_MANAGER)
    address = reverse("admin:accounts_membership_delete", args=[other.pk])
    assert "Nobody heads" not in desk.post(address, {"post": "yes"}, follow=True).content.decode()
    address = reverse("admin:accounts_membership_delete", args=[head.pk])
    assert "Nobody heads Emergency any more" in desk.post(address, {"post": "yes"}, follow=True).content.decode()


def test_the_review_says_who_has_which_role_where_since_when_and_by_whom(
    desk: Client, group: DepartmentGroup, emergency: Department, charlie: User
) -> None:
    User.objects.filter(pk=charlie.pk).update(display_name="=HYPERLINK(1)")
    services.add_membership(actor=SYSTEM, user=charlie, group=group, role=Role.RADIOLOGIST, clears=[Label.VIP])
    ended = MembershipFactory.create(user=charlie, department=emergency, role=Role.ARCHIVIST)
    services.end_membership(actor=SYSTEM, membership=ended)
    address = reverse("admin:accounts_membership_review")
    assert desk.get(address).status_code == 405
    answer = desk.post(address)
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["Department"], row["By the group"], row["Role"], row["Holds now"]) for row in rows] == [
        ("Emergency", "Acute care", "Radiologist", "yes"),
        ("Orthopaedics", "Acute care", "Radiologist", "yes"),
        ("Emergency", "", "Film archivist", "no"),
    ]
    assert {row["Name"] for row in rows} == {"'=HYPERLINK(1)"}
    assert rows[0]["Cleared for"] == "Staff, VIP"
    assert AuditEvent.objects.filter(action="access_list.exported").exists()
    assert Client().post(address).status_code == 302
