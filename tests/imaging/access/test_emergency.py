"""Breaking the glass: one patient, one person, every door, and never longer than said."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.audit.models import AuditEvent
from accounts.models import Department, SignInPolicy, User
from accounts.roles import Role
from imaging.access.emergency import selectors, services
from imaging.access.emergency.models import EmergencyAccess, EmergencyPolicy
from imaging.pipeline import tasks
from imaging.studies.models import Grant, Placement, Study
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.studies_in_archive import Addresses, Archive, addresses

pytestmark = pytest.mark.django_db

FORM = "/access/emergency/"
QUEUE = "/access/emergency/reviews/"
#: Doors at which a record that is open in an emergency is looked at.
LOOKED_AT = ("page", "viewer", "manifest", "study metadata", "frame", "api study")
#: What would take it away or change it.
TAKEN_AWAY = ("study download", "series download", "image download", "retrieve instance", "retrieve study")


@pytest.fixture(autouse=True)
def no_passkeys(db: None) -> None:
    """A hospital that asks for a fresh proof, and for no passkey: signing in a moment ago is one."""
    SignInPolicy.objects.create(mfa_roles=[], passkey_roles=[], passkey_acts=[])


@pytest.fixture
def officer(emergency: Department) -> User:
    """A privacy officer."""
    user = UserFactory.create(username="officer", display_name="Odile Garde")
    MembershipFactory.create(user=user, department=emergency, role=Role.PRIVACY_OFFICER)
    return user


@pytest.fixture
def there(archive: Archive) -> Addresses:
    """A study of emergency, of patient P1, drawn by nobody."""
    made = arrivals.dataset(PatientName="Secret^Susan", PatientID="P1", PatientBirthDate="19700102")
    archive.receive(made)
    return addresses(made)


def form(**changes: str) -> dict[str, str]:
    return {
        "form_key": str(uuid.uuid4()),
        "patient_id": "P1",
        "birth_date": "1970-01-02",
        "purpose": "ETREAT",
        "reason": "Unconscious after a fall, earlier bleeding?",
        **changes,
    }


@pytest.fixture
def breaks(client: Client, bob: User) -> Callable[..., EmergencyAccess]:
    """`breaks()` is Bob opening patient P1; ``changes`` are fields of the form."""

    def open_it(**changes: str) -> EmergencyAccess:
        client.force_login(bob)
        answer = client.post(FORM, form(**changes))
        assert answer.status_code == 302, answer.content.decode()
        return EmergencyAccess.objects.get(pk=answer["Location"].split("/")[-2])

    return open_it


def statuses(client: Client, there: Addresses, names: tuple[str, ...]) -> dict[str, int]:
    every = {**there.all, **there.api}
    return {name: client.get(every[name]).status_code for name in names}


def audited(action: str, **fields: Any) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action=action, **fields).order_by("number"))


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
    services.end(made, user=bob, actor=_actor(bob))
    soon = timezone.now() + timedelta(minutes=5)
    bob.memberships.update(valid_until=soon)
    assert breaks().until == soon


def _actor(user: User) -> Any:
    from accounts.actor import Actor

    return Actor(kind="user", id=str(user.pk), name=user.username)


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


def test_a_form_that_is_sent_twice_opens_once(there: Addresses, client: Client, bob: User) -> None:
    client.force_login(bob)
    sent = form()
    first, second = client.post(FORM, sent), client.post(FORM, sent)
    again = client.post(FORM, form())
    assert first["Location"] == second["Location"] == again["Location"]
    assert EmergencyAccess.objects.count() == Grant.objects.count() == 1
    EmergencyAccess.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert client.post(FORM, sent)["Location"] == first["Location"], "a form does not open what it opened once before"
    assert EmergencyAccess.objects.count() == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"reason": ""},
        {"reason": "   \t "},
        {"reason": "urgent"},
        {"reason": "x x x x"},
        {"reason": "now now now now"},
        {"purpose": "TREAT"},
        {"purpose": ""},
        {"birth_date": ""},
        {"birth_date": "2999-01-01"},
        {"patient_id": "", "birth_date": "", "name": "Secret Susan"},
        {"study": "../../etc/passwd"},
        {"form_key": "1"},
    ],
)
def test_what_is_missing_is_asked_for_and_opens_nothing(
    changes: dict[str, str], there: Addresses, client: Client, bob: User
) -> None:
    client.force_login(bob)
    answer = client.post(FORM, form(**changes))
    assert answer.status_code == 400
    assert "SECRET" not in answer.content.decode()
    assert not EmergencyAccess.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"patient_id": "P2"},
        {"birth_date": "1970-01-03"},
        {"patient_id": "p1"},
        {"patient_id": "P"},
        {"patient_id": "%"},
        {"study": "1.2.3.4.5.6.7"},
        {"patient_id": "P1\x00"},
    ],
)
def test_who_does_not_fit_exactly_is_not_found_and_all_that_was_typed_stays(
    changes: dict[str, str], there: Addresses, client: Client, bob: User
) -> None:
    client.force_login(bob)
    answer = client.post(FORM, form(**changes))
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "Unconscious after a fall" in page
    assert "SECRET" not in page
    assert not EmergencyAccess.objects.exists()


def test_finding_nobody_is_on_record_without_what_was_typed(there: Addresses, client: Client, bob: User) -> None:
    client.force_login(bob)
    client.post(FORM, form(patient_id="P999"))
    (event,) = audited("emergency.refused")
    assert event.detail == {"asked_by": ["patient_id", "birth_date"]}
    assert "P999" not in str(event.detail) + event.patient_id


@pytest.mark.parametrize(
    "given",
    [
        {"study": "uid"},
        {"study": "address"},
        {"name": "susan SECRET", "birth_date": "1970-01-02"},
        {"patient_id": "P1", "accession_number": "A100"},
        {"accession_number": "A100", "birth_date": "02/01/1970"},
    ],
)
def test_two_identifiers_or_a_study_find_the_patient(
    given: dict[str, str], there: Addresses, breaks: Callable[..., EmergencyAccess]
) -> None:
    named = {"uid": there.study_uid, "address": f"https://portal.example/viewer/{there.study_uid}/?x=1"}
    blank = {"patient_id": "", "birth_date": ""}
    made = breaks(**{**blank, **given, **({"study": named[given["study"]]} if "study" in given else {})})
    assert made.patient.patient_id == "P1"


def test_two_patients_who_fit_are_nobody(there: Addresses, archive: Archive, client: Client, bob: User) -> None:
    archive.receive(arrivals.dataset(PatientName="Secret^Susan", PatientID="P7", PatientBirthDate="19700102"))
    client.force_login(bob)
    given = {"patient_id": "", "name": "Secret Susan"}
    assert client.post(FORM, form(**given)).status_code == 400
    assert client.post(FORM, form(**given, accession_number="nothing")).status_code == 400
    assert client.post(FORM, form(name="Secret Susan")).status_code == 302


def test_who_has_not_the_capability_is_refused_whatever_they_ask_for(
    there: Addresses, client: Client, charlie: User, officer: User, alice: User
) -> None:
    for user in (charlie, officer):
        client.force_login(user)
        assert client.get(FORM).status_code == client.post(FORM, form()).status_code == 403
    for user in (charlie, alice):
        client.force_login(user)
        assert client.get(QUEUE).status_code == 403
        assert (
            client.get(f"{QUEUE}{uuid.uuid4()}/").status_code
            == client.post(f"{QUEUE}{uuid.uuid4()}/").status_code
            == 403
        )
    client.logout()
    for address in (FORM, QUEUE, f"{FORM}{uuid.uuid4()}/"):
        assert client.get(address).status_code == 302
    assert not EmergencyAccess.objects.exists()


def test_a_forged_form_opens_nothing(there: Addresses, bob: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(bob)
    assert strict.post(FORM, form()).status_code == 403
    assert not EmergencyAccess.objects.exists()


def test_a_proof_that_is_old_is_asked_again_before_anything_opens(there: Addresses, client: Client, bob: User) -> None:
    client.force_login(bob)
    session = client.session
    session["proofs"]["shown"][0]["at"] -= 3600
    session.save()
    answer = client.post(FORM, form())
    assert answer.status_code == 403
    assert "Unconscious after a fall" in answer.content.decode()
    assert not EmergencyAccess.objects.exists()


def test_the_privacy_officers_are_told_at_once_without_a_word_about_the_patient(
    there: Addresses, breaks: Callable[..., EmergencyAccess], officer: User, client: Client
) -> None:
    breaks()
    tasks.follow_up_emergencies()
    (told,) = [message for message in mail.outbox if message.to == [officer.email]]
    assert "Bob Leroy" in told.body
    assert QUEUE in told.body
    assert not any(word in told.body + told.subject for word in ("Secret", "Susan", "P1", "Unconscious", "1970"))
    tasks.follow_up_emergencies()
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
    django_capture_on_commit_callbacks: Any,
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
    services.end(made, user=bob, actor=_actor(bob))
    assert client.post(f"{QUEUE}{made.pk}/", {"verdict": "not_justified", "note": " "}).status_code == 400
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(f"{QUEUE}{made.pk}/", {"verdict": "follow_up", "note": "Who asked you?"}).status_code == 302
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
    services.end(made, user=bob, actor=_actor(bob))
    page = client.get(f"{QUEUE}{made.pk}/").content.decode()
    assert "Nobody judges their own access" in page
    assert "Keep the verdict" not in page
    assert client.post(f"{QUEUE}{made.pk}/", {"verdict": "justified"}).status_code == 400
    made.refresh_from_db()
    assert made.verdict == ""
    with pytest.raises(services.NotAllowed):
        services.review(made, user=bob, actor=_actor(bob), verdict="justified", note="")  # type: ignore[arg-type]


def test_what_waits_too_long_is_said_once_by_mail_and_always_on_the_page(
    there: Addresses, breaks: Callable[..., EmergencyAccess], client: Client, officer: User
) -> None:
    breaks()
    past = timezone.now() - timedelta(hours=1)
    EmergencyAccess.objects.update(until=past, review_due_at=past, told_at=past)
    tasks.follow_up_emergencies()
    tasks.follow_up_emergencies()
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


def test_trying_identifiers_by_the_hundred_is_slowed_down_and_an_alarm(
    there: Addresses, client: Client, bob: User
) -> None:
    client.force_login(bob)
    for day in range(1, 11):
        client.post(FORM, form(birth_date=f"1971-01-{day:02}"))
    page = client.post(FORM, form())
    assert page.status_code == 400
    assert "Nothing was opened; what you typed is kept" in page.content.decode()
    assert not EmergencyAccess.objects.exists()
    assert audited("security.alerted")
