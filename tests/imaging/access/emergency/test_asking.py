"""Who may open a record in an emergency, what is asked for first, and what a miss tells."""

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from imaging.access.emergency.models import EmergencyAccess
from imaging.studies.models import Grant
from tests.factories import arrivals
from tests.imaging.access.emergency.opening import FORM, QUEUE, audited, form
from tests.studies_in_archive import Addresses, Archive

pytestmark = pytest.mark.django_db


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


def test_a_form_that_was_sent_and_is_filled_in_for_another_patient_opens_that_one(
    there: Addresses, archive: Archive, client: Client, bob: User
) -> None:
    archive.receive(arrivals.dataset(PatientName="Other^Olga", PatientID="P2", PatientBirthDate="19700102"))
    client.force_login(bob)
    sent = form()
    client.post(FORM, sent)
    answer = client.post(FORM, {**sent, "patient_id": "P2"})
    opened = EmergencyAccess.objects.get(pk=answer["Location"].split("/")[-2])
    assert opened.patient.patient_id == "P2"
    assert EmergencyAccess.objects.count() == 2


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
