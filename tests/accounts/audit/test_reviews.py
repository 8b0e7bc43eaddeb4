"""Accesses that deserve a second look: the signals, the nightly run, and what a reviewer decides."""

import datetime as dt
import zoneinfo
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from accounts.actor import Actor
from accounts.audit import Action, looks, reviews
from accounts.audit.models import AccessReview, AuditEvent, AuditPolicy, SnoopingSignal
from accounts.audit.snooping import (
    Habit,
    Look,
    PatientFacts,
    PatientKey,
    is_namesake,
    is_unusual_volume,
    signals_of,
    unusual_hours,
    weight_of,
)
from accounts.models import User
from accounts.roles import Role
from tests.factories.accounts import DepartmentFactory, MembershipFactory, UserFactory

PARIS = zoneinfo.ZoneInfo("Europe/Paris")
DAY = dt.date(2026, 5, 5)
NOON = dt.datetime(2026, 5, 5, 12, tzinfo=PARIS)
MARTIN = PatientKey("MRN1", "CHU")
#: Works from eight to five.
OFFICE = Habit((10, 12, 9, 11, 10), dict.fromkeys(range(8, 18), 20))


def look(**more: Any) -> Look:
    fields: dict[str, Any] = {
        "actor_id": "1",
        "actor_name": "x",
        "patient": MARTIN,
        "first_at": NOON,
        "last_at": NOON,
        "events": 3,
        "hours": frozenset({12}),
    }
    return Look(**(fields | more))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Martin", "MARTIN", True),
        ("Lefèvre", "LEFEVRE", True),
        ("Dupont-Martin", "Martin", True),
        ("de Gaulle", "Gaulle", True),
        ("de Gaulle", "de Villiers", False),
        ("N'Diaye", "NDIAYE", False),
        ("Martin", "Martinez", False),
        ("", "", False),
    ],
)
def test_namesakes(one: str, other: str, same: bool) -> None:
    assert is_namesake(one, other) is same
    assert is_namesake(other, one) is same


@given(st.text(max_size=40), st.text(max_size=40))
def test_hostile_names_are_compared_all_the_same(one: str, other: str) -> None:
    assert is_namesake(one, other) == is_namesake(other, one)


@pytest.mark.parametrize(
    ("today", "own", "peers", "unusual"),
    [
        (40, [5] * 10, [5] * 5, False),  # never unusual, whatever the habit
        (100, [30] * 10, [30] * 5, True),
        (80, [30] * 10, [30] * 5, False),  # less than three times one's own days
        (100, [30] * 10, [60] * 5, False),  # a busy day for everybody
        (100, [30] * 10, [], True),
        (100, [], [30] * 5, True),  # new here
        (100, [], [], False),  # nothing to compare with
    ],
)
def test_a_day_is_compared_with_one_s_own_and_with_peers(
    today: int, own: list[int], peers: list[int], unusual: bool
) -> None:
    assert is_unusual_volume(today, own=own, peers=peers, usual=40) is unusual


def test_hours_are_unusual_for_somebody_who_never_works_then() -> None:
    habit = OFFICE.events_per_hour
    assert unusual_hours({3, 12}, habit) == [3]
    assert unusual_hours({7, 18}, habit) == []  # a little early, a little late
    assert unusual_hours({3}, {3: 10, 4: 100}) == []
    assert unusual_hours({3}, {12: 10}) == []  # too little is known


def test_signals_add_up() -> None:
    facts = PatientFacts(family_name="MARTIN", works_here=True, is_protected=True)
    found = signals_of(look(hours=frozenset({3})), family_names=["Martin"], facts=facts, is_related=False, habit=OFFICE)
    assert set(found) == set(SnoopingSignal) - {SnoopingSignal.VOLUME}
    assert weight_of(found) == 11
    quiet = signals_of(look(), family_names=["Martin"], facts=PatientFacts("PETIT"), is_related=True, habit=OFFICE)
    assert quiet == []
    unknown = signals_of(look(), family_names=["Martin"], facts=None, is_related=None, habit=OFFICE)
    assert unknown == []


class Hospital:
    """What a package that knows patients would answer."""

    def __init__(self, facts: Mapping[PatientKey, PatientFacts], related: set[tuple[str, PatientKey]]) -> None:
        self._facts, self._related = facts, related

    def facts(self, patients: Collection[PatientKey]) -> Mapping[PatientKey, PatientFacts]:
        return {patient: self._facts[patient] for patient in patients if patient in self._facts}

    def related(self, looks: Sequence[Look]) -> Collection[tuple[str, PatientKey]]:
        return self._related


@pytest.fixture(autouse=True)
def _nobody_answers() -> Iterator[None]:
    before = list(reviews._relations)
    reviews._relations.clear()
    yield
    reviews._relations[:] = before


def looked(user: User, patient: PatientKey, *, at: dt.datetime = NOON, action: Action = Action.STUDY_OPENED) -> None:
    AuditEvent(
        at=at,
        action=action,
        actor_kind="user",
        actor_id=str(user.pk),
        actor_name=user.get_username(),
        subject_type="study",
        subject_uid="1.2",
        patient_id=patient.patient_id,
        issuer_of_patient_id=patient.issuer_of_patient_id,
    ).save(force_insert=True)


@pytest.mark.django_db
def test_the_night_opens_a_review_for_what_weighs_enough_and_once() -> None:
    user, other = UserFactory.create(last_name="Martin"), UserFactory.create(last_name="Petit")
    relations = Hospital({MARTIN: PatientFacts("MARTIN")}, {(str(user.pk), MARTIN), (str(other.pk), MARTIN)})
    reviews.register(relations)
    looked(user, MARTIN)
    looked(user, MARTIN, action=Action.FRAMES_READ, at=NOON + dt.timedelta(minutes=5))
    looked(other, MARTIN)
    assert reviews.review_day(DAY, zone=PARIS) == 1
    review = AccessReview.objects.get()
    assert (review.actor_id, review.signals, review.weight, review.looks) == (str(user.pk), ["same_surname"], 2, 2)
    assert (review.patient_id, review.issuer_of_patient_id, review.state) == ("MRN1", "CHU", "open")
    event = AuditEvent.objects.get(action=Action.ACCESS_SUSPECTED)
    assert (event.subject_uid, event.patient_id) == (str(review.pk), "MRN1")
    assert reviews.review_day(DAY, zone=PARIS) == 0
    assert reviews.review_day(DAY + dt.timedelta(days=1), zone=PARIS) == 0


@pytest.mark.django_db
def test_no_care_relation_is_a_signal_only_where_somebody_can_tell() -> None:
    user = UserFactory.create()
    looked(user, MARTIN)
    assert reviews.review_day(DAY, zone=PARIS) == 0
    reviews.register(Hospital({}, set()))
    assert reviews.review_day(DAY, zone=PARIS) == 1
    assert AccessReview.objects.get().signals == ["no_relation"]


@pytest.mark.django_db
def test_the_hospital_chooses_signals_and_weight() -> None:
    user = UserFactory.create(last_name="Martin")
    looked(user, MARTIN)
    reviews.register(Hospital({MARTIN: PatientFacts("MARTIN")}, set()))
    AuditPolicy.objects.create(pk=1, threshold=5)
    assert reviews.review_day(DAY, zone=PARIS) == 0
    AuditPolicy.objects.update(threshold=2, signals=["same_surname"])
    assert reviews.review_day(DAY, zone=PARIS) == 1
    assert AccessReview.objects.get().signals == ["same_surname"]


@pytest.mark.django_db
def test_a_day_with_far_more_patients_than_peers_have_is_one_review() -> None:
    department = DepartmentFactory.create()
    curious, *peers = UserFactory.create_batch(4)
    start = NOON - dt.timedelta(days=30)
    for user in (curious, *peers):
        MembershipFactory.create(user=user, department=department, role=Role.CLINICIAN, valid_from=start)
    for number in range(50):
        looked(curious, PatientKey(f"P{number}", "CHU"))
    for user in peers:
        for number in range(5):
            looked(user, PatientKey(f"P{number}", "CHU"))
    assert reviews.review_day(DAY, zone=PARIS) == 1
    review = AccessReview.objects.get()
    assert (review.actor_id, review.patient_id, review.signals) == (str(curious.pk), "", ["volume"])
    assert review.detail == {"patients": 50, "own_days": [], "peers": [5, 5, 5]}


@pytest.mark.django_db
def test_habits_are_those_of_the_two_months_before() -> None:
    user = UserFactory.create()
    for days in (1, 2, 90):
        looked(user, MARTIN, at=NOON - dt.timedelta(days=days))
        looked(user, PatientKey("MRN2"), at=NOON - dt.timedelta(days=days))
    looked(user, MARTIN)
    habit = looks.habits_before(DAY, [str(user.pk)], zone=PARIS)[str(user.pk)]
    assert habit == Habit((2, 2), {12: 4})


@pytest.mark.django_db
def test_what_was_fetched_ahead_what_machines_did_and_what_was_refused_is_no_look() -> None:
    user = UserFactory.create()
    looked(user, MARTIN, action=Action.STUDY_PREFETCHED)
    AuditEvent(at=NOON, action=Action.STUDY_OPENED, actor_kind="machine", actor_id="1", patient_id="MRN1").save()
    AuditEvent(
        at=NOON, action=Action.STUDY_OPENED, actor_kind="user", actor_id="1", patient_id="MRN1", outcome="refused"
    ).save()
    assert list(looks.looks_of_day(DAY, zone=PARIS)) == []


@pytest.fixture
def review(db: None) -> AccessReview:
    return AccessReview.objects.create(
        day=DAY, actor_kind="user", actor_id="1", actor_name="x", patient_id="MRN1", signals=["no_relation"],
        weight=2, looks=1, first_at=NOON, last_at=NOON,
    )  # fmt: skip


def test_a_decision_is_kept_with_who_and_why_and_can_be_corrected(review: AccessReview) -> None:
    officer = UserFactory.create()
    actor = Actor(kind="user", id=str(officer.pk), name=officer.get_username())
    with pytest.raises(ValidationError, match="sentence"):
        reviews.decide(actor=actor, user=officer, review=review, state="explained", note="  ")
    with pytest.raises(ValidationError):
        reviews.decide(actor=actor, user=officer, review=review, state="guilty", note="x")
    reviews.decide(actor=actor, user=officer, review=review, state="explained", note="Covered for a colleague.")
    review.refresh_from_db()
    assert (review.state, review.decided_by, review.note) == ("explained", officer, "Covered for a colleague.")
    reviews.decide(actor=actor, user=officer, review=review, state="confirmed", note="The roster says otherwise.")
    told = [row.detail for row in AuditEvent.objects.filter(action=Action.ACCESS_REVIEWED).order_by("number")]
    assert [(one["before"], one["after"]) for one in told] == [("open", "explained"), ("explained", "confirmed")]


def test_nobody_reviews_themselves(review: AccessReview) -> None:
    officer = UserFactory.create()
    AccessReview.objects.update(actor_id=str(officer.pk))
    with pytest.raises(ValidationError, match="own accesses"):
        reviews.decide(
            actor=Actor(kind="user", id=str(officer.pk), name="x"), user=officer, review=review, state="explained",
            note="It was me.",
        )  # fmt: skip


@pytest.mark.django_db
def test_every_whole_day_is_looked_into_once(monkeypatch: pytest.MonkeyPatch) -> None:
    user = UserFactory.create()
    reviews.register(Hospital({}, set()))
    now = dt.datetime(2026, 5, 8, 6, tzinfo=PARIS)
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    for days in (1, 2, 3):
        looked(user, MARTIN, at=now - dt.timedelta(days=days))
    AuditPolicy.objects.create(pk=1, reviewed_through=dt.date(2026, 5, 5))
    assert reviews.review_days() == 2
    assert AuditPolicy.objects.get().reviewed_through == dt.date(2026, 5, 7)
    assert reviews.review_days() == 0
    AuditPolicy.objects.update(reviewed_through=None, reviews_nightly=False)
    assert reviews.review_days() == 0
