"""The breach kit: whom somebody saw, by which way, between two moments; and the 72 hours."""

from collections.abc import Callable
from datetime import timedelta
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from accounts.actor import Actor
from accounts.audit.models import AuditEvent
from accounts.models import User
from accounts.scope import scope_of_machine
from accounts.services import IssuedKey
from imaging.privacy.breaches import selectors, services
from imaging.privacy.models import Breach, BreachStep
from imaging.studies import access
from imaging.studies.models import Study

pytestmark = pytest.mark.django_db

Look = Callable[..., None]
HOUR = timedelta(hours=1)
#: What is typed is read in the zone of the person's site.
PARIS = ZoneInfo("Europe/Paris")


def typed(**changes: str) -> dict[str, str]:
    now = timezone.localtime(timezone=PARIS)
    return {
        "kind": "user",
        "who": "alice",
        "since": f"{now - HOUR:%Y-%m-%dT%H:%M}",
        "until": f"{now + HOUR:%Y-%m-%dT%H:%M}",
        **changes,
    }


def test_all_patients_of_an_account_with_studies_times_and_doors(
    alice: User, study: Study, registered: Callable[..., Study], look: Look
) -> None:
    other = registered(PatientID="P2", PatientName="Autre^Paul")
    for seen in (study, registered(), other):
        look(alice, seen)
    who = selectors.suspect("user", "ALICE")
    assert who is not None
    now = timezone.now()
    answer = selectors.seen_by(who, now - HOUR, now + HOUR)
    assert [(row.patient_id, row.studies, row.events) for row in answer.patients] == [("P1", 2, 2), ("P2", 1, 1)]
    assert answer.patients[0].doors == ("page",)
    assert answer.patients[0].first <= answer.patients[0].last
    assert answer.patients[0].pk == study.patient_id
    assert selectors.seen_by(who, now + HOUR, now + 2 * HOUR).patients == ()


def test_a_patient_without_a_number_is_told_of_too(alice: User, registered: Callable[..., Study], look: Look) -> None:
    unknown, known = registered(PatientID="", PatientName="Inconnu^Un"), registered(PatientID="P7")
    look(alice, unknown)
    look(alice, known)
    who = selectors.suspect("user", "alice")
    assert who is not None
    found = selectors.seen_by(who, timezone.now() - HOUR, timezone.now() + HOUR).patients
    assert {(row.patient_id, row.pk, row.studies, row.events) for row in found} == {
        ("", unknown.patient_id, 1, 1),
        ("P7", known.patient_id, 1, 1),
    }


def test_a_reading_just_before_the_period_stands_for_those_within(alice: User, study: Study, look: Look) -> None:
    look(alice, study)
    begun = timezone.now()
    look(alice, study)
    who = selectors.suspect("user", "alice")
    assert who is not None
    assert [row.patient_id for row in selectors.seen_by(who, begun, begun + HOUR).patients] == ["P1"]


def test_a_machine_key_is_asked_by_its_name_and_its_prefix(machine: IssuedKey, study: Study) -> None:
    key = machine.key
    actor = Actor(kind="machine", id=str(key.pk), name=key.name, door="dicomweb", address="10.9.9.9")
    access.open_study(
        scope_of_machine(key, door="dicomweb"), study.study_instance_uid, actor=actor, purpose=access.Purpose.RETRIEVE
    )
    now = timezone.now()
    for name in (key.name, key.prefix):
        who = selectors.suspect("machine", name)
        assert who is not None
        assert [row.patient_id for row in selectors.seen_by(who, now - HOUR, now + HOUR).patients] == ["P1"]
    by_address = selectors.suspect("address", "10.9.9.9")
    assert by_address is not None
    assert len(selectors.seen_by(by_address, now - HOUR, now + HOUR).patients) == 1


def test_what_an_officer_asked_about_is_not_what_she_saw(desk: Client, officer: User, study: Study) -> None:
    desk.get(f"/privacy/patients/{study.patient_id}/")
    who = selectors.suspect("user", officer.username)
    assert who is not None
    assert selectors.seen_by(who, timezone.now() - HOUR, timezone.now() + HOUR).patients == ()


def test_the_page_answers_and_is_on_record(desk: Client, alice: User, study: Study, look: Look) -> None:
    look(alice, study)
    page = desk.post("/privacy/seen/", typed()).content.decode()
    assert "saw 1 patient" in page
    assert "DURAND" in page
    event = AuditEvent.objects.get(action="audit.read", detail__asked="patients seen")
    assert (event.subject_type, event.subject_uid) == ("user", str(alice.pk))


def test_the_table_is_guarded_and_fails_closed(
    desk: Client, alice: User, registered: Callable[..., Study], look: Look
) -> None:
    look(alice, registered(PatientID="=1+1"))
    table = desk.post("/privacy/seen/", typed(**{"as": "csv"})).content.decode("utf-8-sig")
    assert '"\'=1+1"' in table
    with mock.patch("accounts.audit.table.write", return_value="23514"):
        assert desk.post("/privacy/seen/", typed(**{"as": "csv"})).status_code == 302


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"who": "nobody"}, "Nobody goes by this name."),
        ({"until": "2020-01-01T00:00"}, "The end comes before the beginning."),
        ({"since": "yesterday"}, "valid date"),
        ({"kind": "planet"}, "valid choice"),
    ],
)
def test_a_question_that_cannot_be_read_is_sent_back_with_words(
    desk: Client, alice: User, changes: dict[str, str], said: str
) -> None:
    response = desk.post("/privacy/seen/", typed(**changes))
    assert response.status_code == 422
    assert said in response.content.decode()


def test_the_clock_runs_from_the_moment_of_becoming_aware(desk: Client) -> None:
    aware = timezone.localtime(timezone=PARIS) - timedelta(hours=70, minutes=30)
    desk.post(
        "/privacy/breaches/",
        {"title": "Laptop stolen", "cause": "account", "aware_at": f"{aware:%Y-%m-%dT%H:%M}", "account": ""},
    )
    breach = Breach.objects.get()
    assert breach.hours_left == 1
    assert "1 hour left to tell the authority." in desk.get("/privacy/").content.decode()
    Breach.objects.update(aware_at=aware - timedelta(days=1))
    assert "The 72 hours to tell the authority are over" in desk.get("/privacy/").content.decode()


def test_a_breach_is_closed_when_every_line_is_decided(desk: Client, acting: Actor) -> None:
    breach = services.record_breach(
        title="Key in a mail", cause="key", aware_at=timezone.now(), account="", actor=acting
    )
    page = f"/privacy/breaches/{breach.pk}/"
    desk.post(f"{page}close", {"conclusion": "done"})
    assert "Not closed" in desk.get(page).content.decode()
    assert desk.post(page, {"step": "people", "outcome": "unneeded", "note": ""}).status_code == 422
    for step in BreachStep.Step.values:
        desk.post(page, {"step": step, "outcome": "done", "note": "seen to"})
        desk.post(page, {"step": step, "outcome": "unneeded", "note": "twice"})
    assert breach.steps.filter(is_needed=True).count() == len(BreachStep.Step)
    desk.post(f"{page}close", {"conclusion": "Key revoked, nobody hurt."})
    breach.refresh_from_db()
    assert breach.closed_at is not None
    assert AuditEvent.objects.filter(action="breach.changed").count() == len(BreachStep.Step) + 1
    with pytest.raises(services.AlreadyDone):
        services.take_step(breach, step="risk", is_needed=True, note="", actor=acting)


def test_an_account_that_was_switched_off_is_still_asked_about(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert selectors.suspect("user", "alice") is not None
