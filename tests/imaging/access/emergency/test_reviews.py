"""Every emergency access is told at once, judged by another person, and never forgotten."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import Department, User
from accounts.roles import Role
from imaging.access.emergency import services
from imaging.access.emergency.models import EmergencyAccess, EmergencyPolicy
from imaging.pipeline import tasks
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory
from tests.imaging.access.emergency.opening import FORM, QUEUE, actor_of, audited
from tests.studies_in_archive import Addresses, Archive

pytestmark = pytest.mark.django_db


def test_the_privacy_officers_are_told_at_once_without_a_word_about_the_patient(
    there: Addresses, breaks: Callable[..., EmergencyAccess], officer: User, client: Client
) -> None:
    breaks()
    tasks.follow_up_emergencies()
    tasks.send_notices()
    (told,) = [message for message in mail.outbox if message.to == [officer.email]]
    assert "Bob Leroy" in told.body
    assert QUEUE in told.body
    assert not any(word in told.body + told.subject for word in ("Secret", "Susan", "P1", "Unconscious", "1970"))
    tasks.follow_up_emergencies()
    tasks.send_notices()
    assert len(mail.outbox) == 1
    client.force_login(officer)
    assert "1 waiting" in client.get("/").content.decode()


def test_more_than_usual_opens_still_and_is_an_alarm(
    archive: Archive, breaks: Callable[..., EmergencyAccess], client: Client, officer: User
) -> None:
    EmergencyPolicy.objects.create(pk=1, per_hour=1, phone="4242")
    for number in ("P1", "P2"):
        archive.receive(arrivals.dataset(PatientID=number, PatientBirthDate="19700102"))
    assert not breaks(patient_id="P1").is_unusual
    second = breaks(patient_id="P2")
    assert second.is_unusual
    assert second.is_active
    (alarm,) = audited("security.alerted")
    assert alarm.detail["emergency"] == str(second.pk)
    assert "4242" in client.get(f"{FORM}{second.pk}/").content.decode()
    tasks.follow_up_emergencies()
    tasks.send_notices()
    assert any("unusually many" in message.subject for message in mail.outbox)


def test_the_banner_stands_on_every_page_with_a_way_to_end_it(
    there: Addresses, breaks: Callable[..., EmergencyAccess], client: Client
) -> None:
    made = breaks()
    for address in ("/", there.study, f"/viewer/{there.study_uid}/", FORM, "/quarantine/"):
        page = client.get(address).content.decode()
        assert f'data-emergency="{made.pk}"' in page, address
        assert f'action="{FORM}{made.pk}/end"' in page
    assert 'data-is-of-page="yes"' in client.get(there.study).content.decode()
    assert "Open to you in an emergency" in client.get("/").content.decode()
    client.post(f"{FORM}{made.pk}/end")
    assert "data-emergency" not in client.get("/").content.decode()


def test_an_officer_judges_it_and_the_person_is_told(
    there: Addresses,
    breaks: Callable[..., EmergencyAccess],
    client: Client,
    officer: User,
    bob: User,
) -> None:
    made = breaks()
    client.get(there.study)
    client.force_login(officer)
    page = client.get(f"{QUEUE}{made.pk}/").content.decode()
    assert "Unconscious after a fall" in page
    assert "Study opened" in page
    assert there.study_uid in page
    verdict = {"verdict": "justified", "note": ""}
    assert client.post(f"{QUEUE}{made.pk}/", verdict).status_code == 400, "it is still open"
    services.end(made, user=bob, actor=actor_of(bob))
    assert client.post(f"{QUEUE}{made.pk}/", {"verdict": "not_justified", "note": " "}).status_code == 400
    assert client.post(f"{QUEUE}{made.pk}/", {"verdict": "follow_up", "note": "Who asked you?"}).status_code == 302
    mail.outbox.clear()
    tasks.send_notices()
    assert [message.to for message in mail.outbox] == [[bob.email]]
    assert f"{QUEUE}{made.pk}/" in client.get(QUEUE).content.decode(), "follow-up stays in the queue"
    client.post(f"{QUEUE}{made.pk}/", verdict)
    assert f"{QUEUE}{made.pk}/" not in client.get(QUEUE).content.decode()
    assert f"{QUEUE}{made.pk}/" in client.get(f"{QUEUE}?state=done").content.decode()
    assert [event.detail["verdict"] for event in audited("emergency.reviewed")] == ["follow_up", "justified"]
    client.force_login(bob)
    assert "justified" in client.get(FORM).content.decode()


def test_nobody_judges_their_own(
    there: Addresses, breaks: Callable[..., EmergencyAccess], client: Client, bob: User, emergency: Department
) -> None:
    MembershipFactory.create(user=bob, department=emergency, role=Role.PRIVACY_OFFICER)
    made = breaks()
    services.end(made, user=bob, actor=actor_of(bob))
    page = client.get(f"{QUEUE}{made.pk}/").content.decode()
    assert "Nobody judges their own access" in page
    assert "Keep the verdict" not in page
    assert client.post(f"{QUEUE}{made.pk}/", {"verdict": "justified"}).status_code == 400
    made.refresh_from_db()
    assert made.verdict == ""
    with pytest.raises(services.NotAllowed):
        services.review(made, user=bob, actor=actor_of(bob), verdict="justified", note="")  # type: ignore[arg-type]


def test_what_waits_too_long_is_said_once_by_mail_and_always_on_the_page(
    there: Addresses, breaks: Callable[..., EmergencyAccess], client: Client, officer: User
) -> None:
    breaks()
    past = timezone.now() - timedelta(hours=1)
    EmergencyAccess.objects.update(until=past, review_due_at=past, told_at=past)
    tasks.follow_up_emergencies()
    tasks.follow_up_emergencies()
    tasks.send_notices()
    assert [message.subject for message in mail.outbox] == ["1 emergency access waits too long for its review"]
    client.force_login(officer)
    assert "1 waits too long" in client.get(QUEUE).content.decode()


def test_what_the_portal_knows_speaks_for_it_or_asks(
    there: Addresses,
    archive: Archive,
    breaks: Callable[..., EmergencyAccess],
    client: Client,
    officer: User,
    orthopaedics: Department,
    bob: User,
) -> None:
    User.objects.filter(pk=bob.pk).update(last_name="Secret")
    archive.receive(arrivals.dataset(PatientName="Secret^Susan", PatientID="P1"), department=orthopaedics)
    made = breaks()
    client.force_login(officer)
    page = client.get(f"{QUEUE}{made.pk}/").content.decode()
    assert "speaks for it" in page
    assert "orthopaedics" in page
    assert "same surname" in page


def test_hostile_words_are_shown_as_words(
    there: Addresses, breaks: Callable[..., EmergencyAccess], client: Client, officer: User
) -> None:
    made = breaks(reason="<script>alert(1)</script> and two more words")
    client.force_login(officer)
    for address in (QUEUE, f"{QUEUE}{made.pk}/"):
        page = client.get(address).content.decode()
        assert "<script>alert(1)" not in page
        assert "&lt;script&gt;" in page
