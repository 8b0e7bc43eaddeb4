"""Breaking the glass: one patient, one person, every door, and never longer than said."""

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Department, User
from accounts.roles import Role
from imaging.access.emergency import selectors, services
from imaging.access.emergency.models import EmergencyAccess, EmergencyPolicy
from imaging.pipeline import tasks
from imaging.studies.models import Grant, Placement, Study
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.imaging.access.emergency.opening import FORM, LOOKED_AT, TAKEN_AWAY, actor_of, audited, statuses
from tests.studies_in_archive import Addresses, Archive, addresses

pytestmark = pytest.mark.django_db


def test_every_door_opens_to_look_and_none_to_take_away(
    there: Addresses, breaks: Callable[..., EmergencyAccess], client: Client, bob: User
) -> None:
    client.force_login(bob)
    assert set(statuses(client, there, LOOKED_AT + TAKEN_AWAY).values()) == {404}
    breaks()
    seen = statuses(client, there, LOOKED_AT)
    assert set(seen.values()) == {200}, seen
    assert set(statuses(client, there, TAKEN_AWAY).values()) == {403}
    assert there.study_uid in client.get("/").content.decode()
    found = client.get(
        "/dicom-web/studies", {"StudyInstanceUID": there.study_uid}, headers={"accept": "application/dicom+json"}
    )
    assert found.status_code == 200


def test_a_colleague_sees_nothing_more(
    there: Addresses, breaks: Callable[..., EmergencyAccess], client: Client, orthopaedics: Department
) -> None:
    made = breaks()
    colleague = UserFactory.create(username="colleague")
    MembershipFactory.create(user=colleague, department=orthopaedics, role=Role.CLINICIAN)
    client.force_login(colleague)
    assert set(statuses(client, there, LOOKED_AT).values()) == {404}
    for address in (f"{FORM}{made.pk}/", f"{FORM}{uuid.uuid4()}/"):
        assert client.get(address).status_code == 404
    assert client.post(f"{FORM}{made.pk}/end").status_code == 404
    made.refresh_from_db()
    assert made.is_active


def test_protected_studies_and_those_to_come_open_too_and_those_of_others_do_not(
    there: Addresses, archive: Archive, breaks: Callable[..., EmergencyAccess], client: Client
) -> None:
    Study.objects.update(sensitivity="vip")
    Placement.objects.update(sensitivity="vip")
    breaks()
    later, other = (
        arrivals.dataset(PatientName="Secret^Susan", PatientID="P1"),
        arrivals.dataset(PatientName="Other^Olga", PatientID="P2"),
    )
    archive.receive(later, other)
    assert client.get(there.study).status_code == 200
    assert client.get(addresses(later).study).status_code == 200
    assert client.get(addresses(other).study).status_code == 404


def test_the_end_of_its_time_closes_every_door_at_that_moment(
    there: Addresses, breaks: Callable[..., EmergencyAccess], client: Client
) -> None:
    made = breaks()
    past = timezone.now() - timedelta(seconds=1)
    EmergencyAccess.objects.update(until=past)
    Grant.objects.update(until=past)
    Placement.objects.filter(kind="emergency").update(until=past)
    assert set(statuses(client, there, LOOKED_AT).values()) == {404}
    assert there.study_uid not in client.get("/").content.decode()
    page = client.get(f"{FORM}{made.pk}/").content.decode()
    assert "The time was over" in page
    assert "SECRET" not in page
    tasks.follow_up_emergencies()
    made.refresh_from_db()
    assert (made.ended_how, made.ended_at) == ("time", made.until)
    (ended,) = audited("emergency.ended")
    assert ended.detail["emergency"] == str(made.pk)
    assert ended.detail["how"] == "time"
    tasks.follow_up_emergencies()
    assert len(audited("emergency.ended")) == 1


def test_it_lasts_as_long_as_the_rules_say_and_never_longer_than_the_membership(
    there: Addresses, breaks: Callable[..., EmergencyAccess], bob: User
) -> None:
    EmergencyPolicy.objects.create(pk=1, minutes=20)
    made = breaks()
    assert made.until - made.started_at == timedelta(minutes=20)
    assert set(Placement.objects.filter(kind="emergency").values_list("until", flat=True)) == {made.until}
    services.end(made, user=bob, actor=actor_of(bob))
    soon = timezone.now() + timedelta(minutes=5)
    bob.memberships.update(valid_until=soon)
    assert breaks().until == soon


def test_one_ends_it_oneself_and_every_door_is_closed(
    there: Addresses, breaks: Callable[..., EmergencyAccess], client: Client
) -> None:
    made = breaks()
    client.post(f"{FORM}{made.pk}/end")
    assert set(statuses(client, there, LOOKED_AT).values()) == {404}
    assert audited("emergency.ended")[0].detail["how"] == "person"
    assert "You closed this record" in client.get(f"{FORM}{made.pk}/").content.decode()


def test_a_privacy_officer_ends_it_at_once(
    there: Addresses, breaks: Callable[..., EmergencyAccess], client: Client, officer: User, bob: User
) -> None:
    made = breaks()
    client.force_login(officer)
    assert client.post(f"{FORM}{made.pk}/end").status_code == 302
    client.force_login(bob)
    assert client.get(there.study).status_code == 404
    assert "A privacy officer closed this record" in client.get(f"{FORM}{made.pk}/").content.decode()
    assert audited("emergency.ended")[0].actor_name == "officer"


def test_every_reading_under_it_says_so_in_the_audit_and_others_do_not(
    there: Addresses, breaks: Callable[..., EmergencyAccess], client: Client, alice: User
) -> None:
    made = breaks()
    client.get(there.study)
    client.get(there.all["study metadata"])
    for action in ("study.opened", "metadata.read"):
        (event,) = audited(action)
        assert event.detail["emergency"] == str(made.pk)
        assert event.detail["purpose_of_use"] == "ETREAT"
    client.force_login(alice)
    client.get(there.study)
    assert "emergency" not in audited("study.opened", actor_name="alice")[0].detail
    (started,) = audited("emergency.started")
    assert started.patient_id == "P1"
    assert started.detail["reason"].startswith("Unconscious")
    assert {event.action for event in selectors.opened_by(made)} >= {"study.opened", "metadata.read"}


def test_what_was_read_a_moment_before_is_on_record_once_more_under_each_emergency(
    there: Addresses, breaks: Callable[..., EmergencyAccess], client: Client, bob: User, emergency: Department
) -> None:
    held = MembershipFactory.create(user=bob, department=emergency, role=Role.CLINICIAN)
    client.force_login(bob)
    client.get(there.study)
    held.delete()
    first = breaks()
    for _time in range(2):
        client.get(there.study)
    services.end(first, user=bob, actor=actor_of(bob))
    second = breaks()
    client.get(there.study)
    told = [event.detail.get("emergency") for event in audited("study.opened", actor_id=str(bob.pk))]
    assert told == [None, str(first.pk), str(second.pk)]
