"""What the archive tells the nightly look into accesses, and what officers decide."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import services as accounts
from accounts.actor import SYSTEM, Actor
from accounts.audit.snooping import Look, PatientKey
from accounts.labels import Label
from accounts.models import AccessReview, Department, User
from imaging.privacy.relations import ArchiveRelations
from imaging.studies import services as studies
from imaging.studies.models import Grant, Patient, Study

pytestmark = pytest.mark.django_db


def look_of(user: User, patient: Patient) -> Look:
    now = timezone.now()
    key = PatientKey(patient.patient_id, patient.issuer_of_patient_id)
    return Look(str(user.pk), user.username, key, now - timedelta(minutes=5), now, 3, frozenset({10}))


@pytest.fixture
def review(bob: User, patient: Patient) -> AccessReview:
    """Bob's look at P1, of which nobody knows why."""
    now = timezone.now()
    return AccessReview.objects.create(
        day=timezone.localdate(),
        actor_kind="user",
        actor_id=str(bob.pk),
        actor_name="bob",
        patient_id=patient.patient_id,
        issuer_of_patient_id=patient.issuer_of_patient_id,
        signals=["no_relation"],
        weight=2,
        looks=3,
        first_at=now,
        last_at=now,
    )


def test_who_works_where_the_study_lies_is_related_and_others_are_not(alice: User, bob: User, patient: Patient) -> None:
    looks = [look_of(alice, patient), look_of(bob, patient)]
    assert {actor for actor, _key in ArchiveRelations().related(looks)} == {str(alice.pk)}


def test_a_grant_that_held_is_a_relation_and_one_that_had_ended_is_none(
    bob: User, orthopaedics: Department, patient: Patient
) -> None:
    place = accounts.own_place_of(bob, site=orthopaedics.site)
    held = studies.grant(
        patient, holder=place, gives=Grant.Gives.VIEW, basis=Grant.Basis.REQUEST, until=None, actor=SYSTEM
    )
    assert ArchiveRelations().related([look_of(bob, patient)])
    long_ago = timezone.now() - timedelta(days=2)
    Grant.objects.filter(pk=held.pk).update(granted_at=long_ago - timedelta(days=1), ended_at=long_ago)
    assert not ArchiveRelations().related([look_of(bob, patient)])


def test_facts_say_name_protection_and_whether_the_patient_works_here(
    alice: User, patient: Patient, registered: Callable[..., Study]
) -> None:
    studies.protect(patient, Label.VIP, reason="known person", actor=SYSTEM)
    colleague = registered(PatientID="P7", PatientName="Martin^Alice").patient
    keys = [PatientKey(row.patient_id, row.issuer_of_patient_id) for row in (patient, colleague)]
    facts = ArchiveRelations().facts(keys)
    assert (facts[keys[0]].family_name, facts[keys[0]].is_protected, facts[keys[0]].works_here) == (
        "Durand",
        True,
        False,
    )
    assert (facts[keys[1]].is_protected, facts[keys[1]].works_here) == (False, True)


def test_a_review_is_decided_with_a_sentence(desk: Client, review: AccessReview) -> None:
    page = desk.get("/privacy/reviews/").content.decode()
    assert "No care relation known" in page
    assert "DURAND" in page
    desk.post(f"/privacy/reviews/{review.pk}/decide", {"state": "explained", "note": ""})
    review.refresh_from_db()
    assert review.state == "open"
    desk.post(f"/privacy/reviews/{review.pk}/decide", {"state": "explained", "note": "Called in by the ward."})
    review.refresh_from_db()
    assert (review.state, review.note) == ("explained", "Called in by the ward.")


def test_nobody_decides_about_their_own_accesses(desk: Client, officer: User, review: AccessReview) -> None:
    AccessReview.objects.update(actor_id=str(officer.pk))
    assert "a colleague decides" in desk.get("/privacy/reviews/").content.decode()
    desk.post(f"/privacy/reviews/{review.pk}/decide", {"state": "explained", "note": "It was me."})
    review.refresh_from_db()
    assert review.state == "open"


def test_the_provider_is_registered_in_every_process(acting: Actor) -> None:
    from accounts.audit import reviews

    assert any(isinstance(one, ArchiveRelations) for one in reviews._relations)
