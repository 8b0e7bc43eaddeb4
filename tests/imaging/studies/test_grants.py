"""What a grant opens, to whom and until when: by the same placements and the same rule as everything else."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from accounts import services as accounts
from accounts.actor import SYSTEM
from accounts.audit.models import AuditEvent
from accounts.models import Department, User
from accounts.roles import Right
from accounts.scope import Scope, scope_of_user
from imaging.pipeline import steps
from imaging.studies import readers, selectors
from imaging.studies import services as studies
from imaging.studies.finding.study_list import study_list
from imaging.studies.models import Grant, Instance, Patient, Placement, Series, Study
from imaging.studies.rows import granting, placement
from imaging.studies.rows.incoming import PlannedPlacement
from tests.factories import arrivals

pytestmark = pytest.mark.django_db

Register = Callable[..., Study]


@pytest.fixture
def registered(data_dir: Path, emergency: Department) -> Register:
    """`registered(**changes)` is a study of emergency, of patient P1 unless told otherwise."""

    def register(**changes: str) -> Study:
        made = arrivals.dataset(**changes)
        studies.register([arrivals.incoming(made, data_dir / "arrived", emergency)], actor=SYSTEM)
        return Study.objects.select_related("patient").get(study_instance_uid=made.StudyInstanceUID)

    return register


def place_of(user: User, department: Department) -> Department:
    return accounts.own_place_of(user, site=department.site)


def granted(target: Patient | Study, holder: Department, **changes: object) -> Grant:
    terms: dict[str, object] = {
        "gives": Grant.Gives.VIEW,
        "basis": Grant.Basis.REQUEST,
        "until": timezone.now() + timedelta(days=7),
        **changes,
    }
    return studies.grant(target, holder=holder, actor=SYSTEM, **terms)  # type: ignore[arg-type]


def scope_of(user: User) -> Scope:
    return scope_of_user(User.objects.get(pk=user.pk))


def listed(user: User, right: Right = Right.LIST) -> set[str]:
    """What each level and the list show; they agree or the test fails."""
    scope = scope_of(user)
    found = set(Study.objects.visible_to(scope, right).values_list("study_instance_uid", flat=True))
    assert set(Series.objects.visible_to(scope, right).values_list("study__study_instance_uid", flat=True)) == found
    assert set(Instance.objects.visible_to(scope, right).values_list("study__study_instance_uid", flat=True)) == found
    if right is Right.LIST:
        page = study_list(scope)
        assert {row.study.study_instance_uid for row in page.rows} == found
        assert page.total == len(found)
    return found


def test_a_person_sees_what_was_granted_to_the_person_and_a_colleague_does_not(
    registered: Register, bob: User, orthopaedics: Department
) -> None:
    study, other = registered(PatientID="P1"), registered(PatientID="P2")
    granted(study, place_of(bob, orthopaedics))
    colleague = User.objects.create(username="colleague")
    accounts.add_membership(actor=SYSTEM, user=colleague, department=orthopaedics, role="clinician")
    assert listed(bob) == {study.study_instance_uid}
    assert listed(colleague) == set()
    assert other.study_instance_uid not in listed(bob)


def test_a_grant_to_a_department_opens_it_to_its_members(
    registered: Register, bob: User, orthopaedics: Department
) -> None:
    study = registered()
    granted(study, orthopaedics)
    assert listed(bob) == {study.study_instance_uid}


@pytest.mark.parametrize(
    ("gives", "rights"),
    [
        (Grant.Gives.VIEW, {Right.LIST, Right.VIEW}),
        (Grant.Gives.DOWNLOAD, {Right.LIST, Right.VIEW, Right.DOWNLOAD}),
        (Grant.Gives.EMERGENCY, {Right.LIST, Right.VIEW}),
    ],
)
def test_a_grant_gives_what_it_says_and_never_more(
    gives: Grant.Gives, rights: set[Right], registered: Register, bob: User, orthopaedics: Department
) -> None:
    study = registered()
    granted(study, place_of(bob, orthopaedics), gives=gives)
    assert {right for right in Right if listed(bob, right)} == rights


def test_a_grant_of_a_patient_opens_the_studies_that_come_later(
    registered: Register, bob: User, orthopaedics: Department
) -> None:
    first = registered(PatientID="P1")
    granted(first.patient, place_of(bob, orthopaedics))
    later, other = registered(PatientID="P1"), registered(PatientID="P2")
    assert listed(bob) == {first.study_instance_uid, later.study_instance_uid}
    assert other.study_instance_uid not in listed(bob)


def test_a_study_that_turns_out_to_be_of_another_patient_leaves_the_grant(
    registered: Register, bob: User, orthopaedics: Department
) -> None:
    kept, moved = registered(PatientID="P1"), registered(PatientID="P1")
    granted(kept.patient, place_of(bob, orthopaedics))
    studies.correct(moved, {"00100020": {"vr": "LO", "Value": ["P2"]}}, reason="mixed up", actor=SYSTEM)
    assert listed(bob) == {kept.study_instance_uid}
    gained = registered(PatientID="P3")
    studies.correct(gained, {"00100020": {"vr": "LO", "Value": ["P1"]}}, reason="mixed up", actor=SYSTEM)
    assert listed(bob) == {kept.study_instance_uid, gained.study_instance_uid}


def test_an_ended_grant_shows_nothing_from_that_moment(
    registered: Register, bob: User, orthopaedics: Department
) -> None:
    study = registered()
    held = granted(study.patient, place_of(bob, orthopaedics))
    assert studies.end_grant(held, actor=SYSTEM)
    assert listed(bob) == set()
    assert not studies.end_grant(held, actor=SYSTEM)
    actions = AuditEvent.objects.filter(detail__grant=held.pk).order_by("at", "id").values_list("action", flat=True)
    assert list(actions) == ["grant.started", "grant.ended"]


def test_a_grant_shows_nothing_from_its_end(registered: Register, bob: User, orthopaedics: Department) -> None:
    study = registered()
    granted(study, place_of(bob, orthopaedics), until=timezone.now() - timedelta(seconds=1))
    assert listed(bob) == set()


def test_the_longer_of_two_grants_is_left_when_the_stronger_one_ends(
    registered: Register, bob: User, orthopaedics: Department
) -> None:
    study, place = registered(), place_of(bob, orthopaedics)
    week = timezone.now() + timedelta(days=7)
    granted(study, place, until=week)
    hour = granted(study, place, gives=Grant.Gives.DOWNLOAD, until=timezone.now() + timedelta(hours=1))
    assert listed(bob, Right.DOWNLOAD) == {study.study_instance_uid}
    Grant.objects.filter(pk=hour.pk).update(until=timezone.now())
    Placement.objects.filter(department=place).update(until=timezone.now())
    assert listed(bob) == set()
    steps.drain()
    assert listed(bob) == {study.study_instance_uid}
    assert listed(bob, Right.DOWNLOAD) == set()
    assert Placement.objects.get(department=place).until == week


def test_what_has_ended_goes_with_the_next_drain(registered: Register, bob: User, orthopaedics: Department) -> None:
    study, place = registered(), place_of(bob, orthopaedics)
    studies.end_grant(granted(study, place), actor=SYSTEM)
    steps.drain()
    assert not Placement.objects.filter(department=place).exists()


def test_a_treating_department_keeps_its_study_whatever_is_granted_beside_it(
    registered: Register, alice: User, emergency: Department
) -> None:
    study = registered()
    held = granted(study, emergency)
    assert listed(alice, Right.SHARE) == {study.study_instance_uid}
    studies.end_grant(held, actor=SYSTEM)
    assert listed(alice, Right.SHARE) == {study.study_instance_uid}


def test_a_department_that_loses_a_study_keeps_what_was_granted(
    registered: Register, bob: User, orthopaedics: Department
) -> None:
    study = registered()
    placed = studies.place_study(study, PlannedPlacement(orthopaedics.pk, "requesting", "rule"), actor=SYSTEM)
    granted(study, orthopaedics)
    studies.remove_placement(placed, actor=SYSTEM)
    assert listed(bob) == {study.study_instance_uid}
    assert listed(bob, Right.SHARE) == set()
    studies.place_study(study, PlannedPlacement(orthopaedics.pk, "requesting", "rule"), actor=SYSTEM)
    assert listed(bob, Right.SHARE) == {study.study_instance_uid}


def test_a_protected_study_stays_closed_to_a_grant_and_opens_when_the_glass_is_broken(
    registered: Register, bob: User, orthopaedics: Department
) -> None:
    study, place = registered(), place_of(bob, orthopaedics)
    Study.objects.filter(pk=study.pk).update(sensitivity="vip")
    placement.refresh(studies=[study.pk])
    granted(study.patient, place)
    assert listed(bob) == set()
    held = granted(study.patient, place, gives=Grant.Gives.EMERGENCY, basis=Grant.Basis.EMERGENCY)
    assert listed(bob) == {study.study_instance_uid}
    placement.refresh(studies=[study.pk])
    assert listed(bob) == {study.study_instance_uid}
    studies.end_grant(held, actor=SYSTEM)
    assert listed(bob) == set()


def test_what_follows_from_an_order_is_granted_once(registered: Register, orthopaedics: Department) -> None:
    study = registered()
    terms = {"basis": Grant.Basis.ORDER, "source": "order:17", "until": None}
    assert granted(study, orthopaedics, **terms) == granted(study, orthopaedics, **terms)
    assert Grant.objects.count() == 1


def test_nothing_is_written_when_nothing_changed(registered: Register, bob: User, orthopaedics: Department) -> None:
    study = registered()
    granted(study, place_of(bob, orthopaedics))
    assert granting.refresh([study.pk]) == []


def test_the_place_of_a_person_is_no_department_of_the_hospital(
    registered: Register, bob: User, alice: User, orthopaedics: Department
) -> None:
    place = place_of(bob, orthopaedics)
    assert place == place_of(bob, orthopaedics)
    assert place not in Department.objects.all()
    assert place in Department.holders.all()
    granted(registered(), place)
    assert place not in selectors.departments_of(scope_of(bob))
    assert scope_of(alice).own_place is None


def test_an_emergency_is_never_a_whole_departments(registered: Register, bob: User, orthopaedics: Department) -> None:
    study = registered()
    with pytest.raises(ValueError, match="one person"):
        granted(study.patient, orthopaedics, gives=Grant.Gives.EMERGENCY, basis=Grant.Basis.EMERGENCY)
    assert listed(bob) == set()


def test_what_was_granted_to_a_person_ends_with_the_work_and_is_back_with_it(
    registered: Register, bob: User, orthopaedics: Department
) -> None:
    study = registered()
    granted(study, place_of(bob, orthopaedics), gives=Grant.Gives.DOWNLOAD)
    for held in bob.memberships.all():
        accounts.end_membership(actor=SYSTEM, membership=held)
    accounts.add_membership(actor=SYSTEM, user=bob, department=orthopaedics, role="administrator")
    assert listed(bob) == set()
    assert [reader.user for reader in readers.readers_of(study).people if reader.user == bob] == []
    accounts.add_membership(actor=SYSTEM, user=bob, department=orthopaedics, role="trainee")
    assert listed(bob) == {study.study_instance_uid}
    assert [reader.user for reader in readers.readers_of(study).people if reader.user == bob] == [bob]


def test_a_grant_to_a_department_holds_on_when_the_department_stops_treating(
    registered: Register, bob: User, orthopaedics: Department
) -> None:
    study = registered()
    studies.place_study(study, PlannedPlacement(orthopaedics.pk, "requesting", "by hand"), actor=SYSTEM)
    granted(study.patient, orthopaedics)
    Placement.objects.filter(department=orthopaedics).update(until=timezone.now() - timedelta(seconds=1))
    assert studies.take_departures([]) == []
    assert listed(bob) == {study.study_instance_uid}
    assert Placement.objects.get(department=orthopaedics).kind == Placement.Kind.GRANT
