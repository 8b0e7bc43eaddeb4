"""What a person, a machine and a peer may see."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts import services
from accounts.actor import SYSTEM, Actor
from accounts.models import Department, User
from accounts.roles import POWERS, Capability, Right, Role, capabilities_of, rights_of
from accounts.scope import EMPTY, Scope, scope_of_departments, scope_of_machine, scope_of_user, system_scope
from accounts.selectors import capabilities_by_department, is_capable
from tests.factories.accounts import DepartmentFactory, MembershipFactory, UserFactory, issue_machine_key

RIGHTS = st.frozensets(st.sampled_from(list(Right)))
WHO = Actor(kind="share", id="1", name="a share")


def test_every_role_is_in_the_table() -> None:
    assert set(POWERS) == set(Role)


def test_who_runs_the_portal_or_reads_its_audit_sees_no_image() -> None:
    for role in (Role.ADMINISTRATOR, Role.INTEGRATOR, Role.PRIVACY_OFFICER):
        assert rights_of(role) == frozenset()


def test_whoever_may_do_anything_with_a_study_may_list_it() -> None:
    for role, powers in POWERS.items():
        assert not powers.rights or Right.LIST in powers.rights, role
        assert not powers.rights - {Right.LIST} or Right.VIEW in powers.rights, role


def test_a_role_that_is_not_in_the_table_gives_nothing() -> None:
    assert rights_of("chief") == frozenset()
    assert capabilities_of("chief") == frozenset()


def test_the_empty_scope_sees_nothing() -> None:
    assert EMPTY.is_empty
    assert not any(EMPTY.departments_with(right) or EMPTY.may(right) for right in Right)


def test_a_system_scope_says_why() -> None:
    scope = system_scope("thumbnails")
    assert scope.unrestricted
    assert not scope.is_empty
    assert scope.reason == "thumbnails"
    with pytest.raises(ValueError, match="reason"):
        system_scope("  ")


@given(st.dictionaries(st.integers(1, 50), RIGHTS), st.sampled_from(list(Right)))
def test_a_department_counts_for_a_right_exactly_when_the_right_is_held_there(
    held: dict[int, frozenset[Right]], right: Right
) -> None:
    scope = Scope(principal=WHO, department_rights=frozenset(held.items()))
    assert scope.departments_with(right) == {key for key, rights in held.items() if right in rights}
    assert scope.may(right) == any(right in rights for rights in held.values())
    assert scope.is_empty == (not any(held.values()))


@given(st.dictionaries(st.integers(1, 9), RIGHTS), RIGHTS, st.integers(-3600, 3600))
def test_after_its_end_a_scope_is_as_the_empty_one(
    held: dict[int, frozenset[Right]], named: frozenset[Right], seconds: int
) -> None:
    end = timezone.now() + timedelta(seconds=seconds - 0.5)
    scope = Scope(
        principal=WHO,
        department_rights=frozenset(held.items()),
        studies=frozenset({"1.2.3"}),
        rights=named,
        valid_until=end,
    )
    if seconds <= 0:
        assert scope.is_empty
        assert not any(scope.departments_with(right) or scope.named_with(right) for right in Right)
    else:
        assert all(scope.named_with(right) == (right in named) for right in Right)


def test_even_an_unrestricted_scope_ends() -> None:
    past = timezone.now() - timedelta(seconds=1)
    scope = Scope(principal=SYSTEM, unrestricted=True, valid_until=past, rights=frozenset(Right))
    assert scope.is_empty
    assert not scope.is_unrestricted
    assert not scope.may(Right.LIST)


def test_a_scope_cannot_be_widened_once_made() -> None:
    with pytest.raises(AttributeError):
        EMPTY.unrestricted = True  # type: ignore[misc]
    assert len({EMPTY, system_scope("a"), system_scope("a")}) == 2


def test_a_member_sees_the_member_s_department_only(
    alice: User, emergency: Department, orthopaedics: Department
) -> None:
    scope = scope_of_user(alice)
    assert scope.departments_with(Right.VIEW) == {emergency.pk}
    assert scope.departments_with(Right.WRITE) == frozenset()
    assert scope.principal == Actor(kind="user", id=str(alice.pk), name="alice")


def test_nobody_gives_nothing(charlie: User) -> None:
    assert scope_of_user(charlie).is_empty
    assert scope_of_user(AnonymousUser()) is EMPTY
    assert scope_of_user(User(username="unsaved")) is EMPTY


def test_an_administrator_without_membership_sees_no_image(db: None, emergency: Department) -> None:
    administrator = UserFactory.create(is_staff=True, is_superuser=True)
    assert scope_of_user(administrator).is_empty
    MembershipFactory.create(user=administrator, department=emergency, role=Role.ADMINISTRATOR)
    assert scope_of_user(administrator).is_empty
    assert is_capable(administrator, Capability.MANAGE_PORTAL)


def test_an_account_switched_off_sees_nothing(alice: User) -> None:
    alice.is_active = False
    assert scope_of_user(alice) is EMPTY
    assert capabilities_by_department(alice) == {}


def test_a_department_switched_off_shows_nothing(alice: User, emergency: Department) -> None:
    emergency.is_active = False
    emergency.save()
    assert scope_of_user(alice).is_empty


def test_roles_in_one_department_add_up(alice: User, emergency: Department) -> None:
    services.add_membership(actor=SYSTEM, user=alice, department=emergency, role=Role.RADIOGRAPHER)
    assert scope_of_user(alice).departments_with(Right.WRITE) == {emergency.pk}
    assert capabilities_by_department(alice)[Capability.ACQUIRE] == {emergency.pk}


def test_a_membership_ended_shows_nothing_any_more(alice: User) -> None:
    services.end_membership(actor=SYSTEM, membership=alice.memberships.get())
    assert scope_of_user(alice).is_empty


def test_a_scope_in_hand_does_not_outlive_a_membership(alice: User, orthopaedics: Department) -> None:
    soon = timezone.now() + timedelta(hours=1)
    services.add_membership(actor=SYSTEM, user=alice, department=orthopaedics, role=Role.CLINICIAN, valid_until=soon)
    assert scope_of_user(alice).valid_until == soon


class MembershipsInTime(TestCase):
    """Memberships hold from their beginning until just before their end."""

    # Each example makes rows: on a busy machine Hypothesis would take that for slow making of examples.
    @settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.sampled_from(list(Role)),
                st.integers(-100, 100),
                st.one_of(st.none(), st.integers(0, 100)),
            ),
            max_size=6,
        )
    )
    def test_scope_is_the_union_of_what_holds_now(self, rows: list[tuple[Role, int, int | None]]) -> None:
        user, now = UserFactory.create(), timezone.now()
        expected: dict[int, frozenset[Right]] = {}
        for role, begins, length in rows:
            department = DepartmentFactory.create()
            valid_from = now + timedelta(hours=begins, minutes=-1)
            valid_until: datetime | None = None if length is None else valid_from + timedelta(hours=length)
            MembershipFactory.create(
                user=user, department=department, role=role, valid_from=valid_from, valid_until=valid_until
            )
            if valid_from <= now and (valid_until is None or now < valid_until):
                expected[department.pk] = rights_of(role)
        scope = scope_of_user(user)
        for right in Right:
            assert scope.departments_with(right) == {key for key, held in expected.items() if right in held}


def test_a_machine_has_the_rights_of_the_door_it_comes_through(emergency: Department) -> None:
    key = issue_machine_key(emergency, rights={"dicomweb": ["list", "view"], "api": ["list"]}).key
    assert scope_of_machine(key, door="dicomweb").departments_with(Right.VIEW) == {emergency.pk}
    assert scope_of_machine(key, door="api").departments_with(Right.VIEW) == frozenset()
    assert scope_of_machine(key, door="fhir").is_empty
    assert scope_of_machine(key, door="page").is_empty


def test_a_machine_s_scope_ends_with_its_key(emergency: Department) -> None:
    key = issue_machine_key(emergency, expires_at=timezone.now() + timedelta(days=1)).key
    assert scope_of_machine(key, door="api").valid_until == key.expires_at
    key.expires_at = timezone.now()
    assert scope_of_machine(key, door="api") is EMPTY
    services.revoke_machine_key(actor=SYSTEM, key=key)
    assert scope_of_machine(key, door="api") is EMPTY


@pytest.mark.parametrize("rights", [None, [], "list", {"api": "list"}, {"api": ["everything"]}, {"api": {}}])
def test_rights_that_cannot_be_read_give_none(machine: Any, rights: Any) -> None:
    machine.key.rights = rights
    assert scope_of_machine(machine.key, door="api").is_empty


def test_a_peer_sees_the_departments_it_was_given_while_they_work(
    emergency: Department, orthopaedics: Department
) -> None:
    modality = Actor(kind="application_entity", id="CT1", name="CT1")
    scope = scope_of_departments(
        principal=modality, departments=[emergency, orthopaedics.pk], rights=[Right.WRITE], reason="sender"
    )
    assert scope.departments_with(Right.WRITE) == {emergency.pk, orthopaedics.pk}
    assert not scope.may(Right.VIEW)
    Department.objects.filter(pk=emergency.pk).update(is_active=False)
    again = scope_of_departments(principal=modality, departments=[emergency], rights=[Right.WRITE], reason="sender")
    assert again.is_empty
