"""What a label on a patient or a study keeps from whom, at every level and in the list, through moves and merges."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.actor import SYSTEM
from accounts.audit.models import AuditEvent
from accounts.labels import CLEARABLE, Label, strictest
from accounts.models import Department, User
from accounts.roles import Role
from accounts.scope import Scope, scope_of_user
from imaging.events.models import Change
from imaging.pipeline import steps
from imaging.studies import changes, selectors
from imaging.studies import services as studies
from imaging.studies.finding.offered_values import Offered, offered_values
from imaging.studies.finding.prior_counts import prior_counts
from imaging.studies.finding.study_list import study_count, study_list, study_list_version
from imaging.studies.models import Instance, Patient, Placement, Protection, Series, Study
from imaging.studies.rows.incoming import PlannedPlacement
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db

Register = Callable[..., Study]


@pytest.fixture
def registered(data_dir: Path, emergency: Department) -> Register:
    """`registered(**changes)` is a study of emergency, of patient P1 unless told otherwise."""

    def register(*departments: Department, **changes: str) -> Study:
        made = arrivals.dataset(**{"PatientID": "P1", **changes})
        studies.register([arrivals.incoming(made, data_dir / "arrived", *(departments or (emergency,)))], actor=SYSTEM)
        return Study.objects.select_related("patient").get(study_instance_uid=made.StudyInstanceUID)

    return register


def protect(target: Patient | Study, label: Label) -> Protection:
    return studies.protect(target, label, reason="asked for", actor=SYSTEM)


def scope_of(user: User) -> Scope:
    return scope_of_user(User.objects.get(pk=user.pk))


def seen(user: User) -> set[str]:
    """What each level, the list, its count and the placements show; they agree or the test fails."""
    scope = scope_of(user)
    found = set(Study.objects.visible_to(scope).values_list("study_instance_uid", flat=True))
    for model in (Series, Instance, Placement):
        rows: Any = model.objects.visible_to(scope)  # type: ignore[attr-defined]
        assert set(rows.values_list("study__study_instance_uid", flat=True)) == found, model
    page = study_list(scope)
    assert {row.study.study_instance_uid for row in page.rows} == found
    assert page.total == study_count(scope).number == len(found)
    assert set(Patient.objects.visible_to(scope)) == set(Patient.objects.filter(studies__study_instance_uid__in=found))
    return found


def label_of(study: Study) -> str:
    labels = {Study.objects.get(pk=study.pk).sensitivity}
    labels |= set(Placement.objects.filter(study=study).values_list("sensitivity", flat=True))
    assert len(labels) == 1, "the placements have the label of their study"
    return labels.pop()


@pytest.mark.parametrize("label", list(Label))
def test_a_labelled_study_is_nobodys_but_who_is_cleared_in_its_department(
    registered: Register, emergency: Department, orthopaedics: Department, alice: User, bob: User, label: Label
) -> None:
    study, other = registered(), registered()
    protect(study, label)
    everything = {study.study_instance_uid, other.study_instance_uid}
    assert seen(alice) == {other.study_instance_uid}
    # Cleared elsewhere is not cleared here, even for who works in both.
    MembershipFactory.create(user=alice, department=orthopaedics, clears=sorted(CLEARABLE))
    assert seen(alice) == {other.study_instance_uid}
    alice.memberships.filter(department=emergency).update(clears=[label])
    assert seen(alice) == ({other.study_instance_uid} if label is Label.RESTRICTED else everything)
    assert seen(bob) == set()


@pytest.mark.parametrize("role", list(Role))
def test_of_all_roles_those_who_make_read_or_answer_for_images_see_the_staffs(
    registered: Register, emergency: Department, role: Role
) -> None:
    study = registered()
    protect(study, Label.STAFF)
    member = MembershipFactory.create(department=emergency, role=role).user
    makers = {Role.RADIOLOGIST, Role.RADIOGRAPHER, Role.DEPARTMENT_MANAGER}
    assert seen(member) == ({study.study_instance_uid} if role in makers else set())
    protect(study, Label.VIP)
    assert seen(member) == set(), "no role clears more than staff"


def test_a_patients_label_holds_for_all_studies_and_those_to_come(registered: Register, alice: User) -> None:
    study, stranger = registered(), registered(PatientID="P2")
    held = protect(study.patient, Label.VIP)
    later = registered()
    assert label_of(later) == Label.VIP
    assert seen(alice) == {stranger.study_instance_uid}
    assert studies.lift_protection(held, reason="asked again", actor=SYSTEM)
    assert seen(alice) == {entry.study_instance_uid for entry in (study, stranger, later)}
    assert not studies.lift_protection(held, reason="twice", actor=SYSTEM)


def test_of_several_labels_the_strictest_decides_and_the_others_stay(registered: Register) -> None:
    study = registered()
    protect(study.patient, Label.VIP)
    protect(study, Label.STAFF)
    restriction = protect(study.patient, Label.RESTRICTED)
    assert label_of(study) == Label.RESTRICTED
    studies.lift_protection(restriction, reason="contested no longer", actor=SYSTEM)
    assert label_of(study) == Label.VIP
    assert protect(study, Label.STAFF) == Protection.objects.live().get(study=study), "a label is on it once"


def test_a_study_that_moves_away_from_a_protected_patient_stays_protected(registered: Register, alice: User) -> None:
    study, stays = registered(), registered()
    protect(study.patient, Label.VIP)
    studies.correct(study, {"00100020": {"vr": "LO", "Value": ["P9"]}}, reason="wrong patient", actor=SYSTEM)
    assert label_of(study) == Label.VIP
    own = Protection.objects.live().get(study=study)
    assert own.origin == Protection.Origin.MOVED
    studies.lift_protection(own, reason="another person", actor=SYSTEM)
    assert seen(alice) == {study.study_instance_uid}
    assert label_of(stays) == Label.VIP


def test_who_gets_another_number_keeps_the_labels_for_the_studies_to_come(registered: Register) -> None:
    study = registered()
    protect(study.patient, Label.PROTECTED)
    studies.correct(study.patient, {"00100020": {"vr": "LO", "Value": ["P7"]}}, reason="new number", actor=SYSTEM)
    assert label_of(study) == Label.PROTECTED
    assert not Protection.objects.filter(study=study).exists()
    assert label_of(registered(PatientID="P7")) == Label.PROTECTED
    assert label_of(registered(PatientID="P1")) == ""


def test_two_records_of_one_person_brought_together_have_the_labels_of_both(registered: Register) -> None:
    first, second = registered(), registered(PatientID="P2")
    protect(first.patient, Label.VIP)
    protect(second.patient, Label.VIP)
    protect(first.patient, Label.STAFF)
    studies.correct(first.patient, {"00100020": {"vr": "LO", "Value": ["P2"]}}, reason="one person", actor=SYSTEM)
    labels = Protection.objects.live().filter(patient=second.patient).values_list("label", flat=True)
    assert sorted(labels) == [Label.STAFF, Label.VIP]
    assert label_of(first) == label_of(second) == Label.VIP


def test_what_a_label_hides_is_told_by_nothing_else(registered: Register, alice: User, emergency: Department) -> None:
    shown, hidden = registered(BodyPartExamined="CHEST"), registered(BodyPartExamined="FETUS")
    version = study_list_version(scope_of(alice))
    protect(hidden, Label.PROTECTED)
    scope = scope_of(alice)
    assert study_list_version(scope) != version
    assert offered_values(scope, Offered.BODY_PART) == ["CHEST"]
    assert prior_counts(scope, [shown]) == prior_counts(scope_of(alice), [registered(PatientID="P5")]) == {}
    assert selectors.placements_of(hidden, scope=scope) == []


def test_the_change_feed_tells_who_lost_a_study_and_nobody_else(
    registered: Register, alice: User, bob: User, emergency: Department
) -> None:
    study = registered()
    cleared = MembershipFactory.create(department=emergency, role=Role.CLINICIAN, clears=[Label.VIP]).user
    steps.drain()
    after = Change.objects.latest("sequence").sequence

    def told(user: User) -> list[str]:
        steps.drain()
        return [line.kind for line in changes.changes_after(scope_of(user), after).changes]

    held = protect(study, Label.VIP)
    assert told(alice) == ["study.removed"]
    assert told(cleared) == ["study.changed"]
    assert told(bob) == []
    after = Change.objects.latest("sequence").sequence
    studies.lift_protection(held, reason="over", actor=SYSTEM)
    assert told(alice) == ["study.changed"]


def test_a_label_is_set_and_lifted_for_a_reason_and_on_record(registered: Register) -> None:
    study = registered()
    with pytest.raises(studies.ReasonMissing):
        studies.protect(study, Label.VIP, reason=" \n ", actor=SYSTEM)
    held = protect(study, Label.VIP)
    with pytest.raises(studies.ReasonMissing):
        studies.lift_protection(held, reason="", actor=SYSTEM)
    studies.lift_protection(held, reason="over", actor=SYSTEM)
    events = AuditEvent.objects.filter(action__startswith="protection.").order_by("number")
    assert [(event.action, event.detail["label"], event.detail["reason"]) for event in events] == [
        ("protection.set", "vip", "asked for"),
        ("protection.lifted", "vip", "over"),
    ]


def test_an_unknown_label_is_stricter_than_all() -> None:
    assert strictest(["staff", "of tomorrow", "restricted"]) == "of tomorrow"
    assert strictest([]) == ""


def take(
    step: tuple[str, int, str, bool],
    made: list[Study],
    places: tuple[Department, Department],
    readers: dict[Department, User],
) -> None:
    verb, index, label, flag = step
    study = Study.objects.select_related("patient").get(pk=made[index].pk)
    target = study.patient if flag else study
    if verb == "protect":
        studies.protect(target, label, reason="x", actor=SYSTEM)
    elif verb == "lift":
        for held in target.protections.filter(label=label, lifted_at=None):
            studies.lift_protection(held, reason="x", actor=SYSTEM)
    elif verb == "clear":
        readers[places[index % 2]].memberships.update(clears=[label] if label in CLEARABLE else [])
    elif verb == "place":
        studies.place_study(study, PlannedPlacement(places[int(flag)].pk, "requesting", "test"), actor=SYSTEM)
    elif verb == "remove":
        for placed in Placement.objects.live().filter(study=study, department=places[int(flag)]):
            studies.remove_placement(placed, actor=SYSTEM)
    else:
        attributes = {"00100020": {"vr": "LO", "Value": [f"X{int(flag)}"]}}
        studies.correct(study, attributes, reason="x", actor=SYSTEM)


def check_sequence(
    registered: Register, places: tuple[Department, Department], steps_taken: list[tuple[str, int, str, bool]]
) -> None:
    readers = {place: MembershipFactory.create(department=place, user=UserFactory.create()).user for place in places}
    made = [registered(places[index % 2], PatientID=f"X{index // 2}") for index in range(4)]
    for step in steps_taken:
        take(step, made, places, readers)
    for place, reader in readers.items():
        cleared = set(reader.memberships.get().clears)
        expected = set()
        for row in Study.objects.filter(pk__in=[study.pk for study in made]):
            own = Protection.objects.live().filter(study=row) | Protection.objects.live().filter(patient=row.patient)
            label = strictest(own.values_list("label", flat=True))
            placed_here = Placement.objects.live().filter(study=row, department=place).exists()
            if placed_here and label in {"", *cleared}:
                expected.add(row.study_instance_uid)
        assert seen(reader) == expected


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps_taken=st.lists(
        st.tuples(
            st.sampled_from(["protect", "lift", "clear", "place", "remove", "move"]),
            st.integers(0, 3),
            st.sampled_from([label.value for label in Label]),
            st.booleans(),
        ),
        max_size=12,
    )
)
def test_after_any_sequence_everybody_sees_what_placement_label_and_clearance_say(
    registered: Register,
    emergency: Department,
    orthopaedics: Department,
    steps_taken: list[tuple[str, int, str, bool]],
) -> None:
    with transaction.atomic():
        check_sequence(registered, (emergency, orthopaedics), steps_taken)
        # Each sequence begins with the same hospital.
        transaction.set_rollback(True)
