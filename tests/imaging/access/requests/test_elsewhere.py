"""What exists elsewhere is told to who may ask for it, in one word, and to nobody else."""

import re
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import throttling
from accounts.audit.models import AuditEvent
from accounts.models import Department, User
from accounts.roles import Role
from accounts.services import IssuedKey
from imaging.access.requests import policies, questions
from imaging.studies.models import Instance, PatientChoice, Placement, Study
from imaging.studies.rows import placement
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.imaging.access.requests.conftest import BORN, Register, seal_of
from tests.queries import of_the_page

pytestmark = pytest.mark.django_db

PART = {"HX-Request": "true"}
YES, NO = "Exists elsewhere", "Nothing elsewhere"


def looked(client: Client, user: User, **asked: str) -> str:
    client.force_login(user)
    answer = client.post("/access/elsewhere", asked, headers=PART)
    assert answer.status_code == 200
    text = answer.content.decode()
    # What differs from page to page is random: the token of the form, and the seal.
    return re.sub(r'value="[^"]+"', "", text)


@pytest.mark.parametrize(
    "asked",
    [
        BORN,
        {"patient_id": "P1", "accession_number": "A100"},
        {"accession_number": "A100", "birth_date": "1970-01-02"},
        {"name": "Hélène DURAND", "birth_date": "1970-01-02"},
        {"name": "durand helene", "patient_id": "P1"},
        {"text": "P1 1970-01-02"},
        {"text": "P1 02/01/1970"},
        {"text": "Durand Hélène 02.01.1970"},
    ],
)
def test_two_identifiers_that_fit_exactly_find_it_and_tell_nothing_of_it(
    asked: dict[str, str], registered: Register, bob: User, client: Client
) -> None:
    study = registered(PatientComments="secret")
    text = looked(client, bob, **asked)
    assert YES in text
    for told in ("Durand", "Hélène", "CT", "2026", "thorax", "Radiology", "Emergency", study.study_instance_uid):
        assert told not in text


@pytest.mark.parametrize(
    ("kept", "typed", "fits"),
    [
        ("Lefèvre^Hélène^^Mme", "Hélène Lefevre", True),
        ("Nadeau^Philippe^Jean", "Nadeau Philippe", True),
        ("Nadeau^Philippe^Jean", "Philippe Jean Nadeau", True),
        ("Da Silva^Rui", "Rui da Silva", True),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "山田 太郎", True),
        ("Nadeau^Philippe^Jean", "Nadeau Jean", False),
        ("Nadeau^Philippe", "Nadeau Phil", False),
        ("Nadeau^Philippe", "Nadeau", False),
        ("Nadeau", "Nadeau", True),
        ("", "Nadeau Philippe", False),
    ],
)
def test_a_name_fits_whole_without_its_titles_in_any_order(
    kept: str, typed: str, fits: bool, registered: Register, bob: User, client: Client
) -> None:
    registered(PatientName=kept)
    assert (YES in looked(client, bob, name=typed, birth_date="1970-01-02")) is fits


def test_a_whole_uid_finds_it(registered: Register, bob: User, client: Client) -> None:
    uid = registered().study_instance_uid
    assert YES in looked(client, bob, study_instance_uid=uid)
    assert YES in looked(client, bob, text=f" {uid} ")
    assert NO in looked(client, bob, study_instance_uid=uid[:-1])


@pytest.mark.parametrize(
    "asked",
    [
        {"patient_id": "P1"},
        {"name": "Durand Hélène"},
        {"birth_date": "1970-01-02"},
        {"text": "Durand"},
        {"text": "P1"},
        {"text": "1970-01-02"},
        {"study_instance_uid": "' OR 1=1 --"},
        {"patient_id": "P1", "name": "^^"},
        {"patient_id": "P1", "birth_date": "yesterday"},
        {},
    ],
)
def test_less_than_that_is_not_even_looked_for(
    asked: dict[str, str], registered: Register, bob: User, client: Client
) -> None:
    registered()
    assert "Nothing was looked for" in looked(client, bob, **asked)
    assert not AuditEvent.objects.filter(action="existence.asked").exists()


@pytest.mark.parametrize(
    "asked",
    [
        {"patient_id": "P", "birth_date": "1970-01-02"},
        {"patient_id": "P%", "birth_date": "1970-01-02"},
        {"patient_id": "P1", "birth_date": "1970-01-03"},
        {"patient_id": "P1", "issuer": "ELSEWHERE", "birth_date": "1970-01-02"},
        {"name": "Durand", "birth_date": "1970-01-02"},
        {"name": "Durand Hel", "birth_date": "1970-01-02"},
        {"patient_id": "P1", "birth_date": "1970-01-02", "accession_number": "A101"},
    ],
)
def test_what_fits_in_part_is_nobody(asked: dict[str, str], registered: Register, bob: User, client: Client) -> None:
    registered()
    assert NO in looked(client, bob, **asked)


def hide_protected(study: Study, department: Department) -> None:
    Study.objects.filter(pk=study.pk).update(sensitivity="staff")
    placement.refresh(studies=[study.pk])


def hide_rejected(study: Study, department: Department) -> None:
    Instance.objects.filter(study=study).update(is_rejected=True)
    Study.objects.filter(pk=study.pk).update(instance_count=0)


def hide_withdrawn(study: Study, department: Department) -> None:
    Placement.objects.filter(study=study).update(until=timezone.now())


def hide_opposed(study: Study, department: Department) -> None:
    PatientChoice.objects.create(
        patient=study.patient, use="departments", answer="opposed", said_on=timezone.localdate()
    )


def hide_in_personal_place(study: Study, department: Department) -> None:
    place = Department.holders.create(site=department.site, code="person-0", name="x", is_personal=True)
    Placement.objects.filter(study=study, kind="requesting").delete()
    Placement.objects.filter(study=study).update(department=place)


@pytest.mark.parametrize("hide", [hide_protected, hide_rejected, hide_withdrawn, hide_opposed, hide_in_personal_place])
def test_what_may_not_be_asked_for_answers_as_what_does_not_exist(
    hide: Any, registered: Register, bob: User, radiology: Department, client: Client
) -> None:
    absent = looked(client, bob, **BORN)
    hide(registered(), radiology)
    assert looked(client, bob, **BORN) == absent
    details = list(AuditEvent.objects.filter(action="existence.asked").values_list("detail", "patient_id"))
    assert details[0] == details[1]


def test_several_who_fit_are_nobody(registered: Register, bob: User, client: Client) -> None:
    registered(PatientID="P1")
    registered(PatientID="P2")
    assert NO in looked(client, bob, name="Durand Hélène", birth_date="1970-01-02")
    assert YES in looked(client, bob, **BORN)


def test_what_the_reader_sees_already_is_said_to_be_in_the_list(
    registered: Register, alice: User, client: Client
) -> None:
    registered()
    text = looked(client, alice, **BORN)
    assert NO in text
    assert "in your list" in text


def test_found_and_not_found_run_the_same_statements(registered: Register, bob: User, client: Client) -> None:
    registered()
    client.force_login(bob)
    client.get("/access/")

    def statements(patient_id: str) -> list[str]:
        with CaptureQueriesContext(connection) as caught:
            client.post("/access/elsewhere", {**BORN, "patient_id": patient_id}, headers=PART)
        return [re.split(r" WHERE |\(", sql)[0] for sql in of_the_page(caught)]

    assert statements("P1") == statements("P9")


def test_guessing_ends_soon_and_is_an_alarm(registered: Register, bob: User, client: Client) -> None:
    registered()
    client.force_login(bob)
    answers = [
        client.post("/access/elsewhere", {**BORN, "patient_id": f"P{number}"}).status_code
        for number in range(10, 10 + policies.ASKED_A_MINUTE + 5)
    ]
    assert answers == [200] * policies.ASKED_A_MINUTE + [429] * 5
    assert "Too many questions" in looked(client, bob, **BORN)
    alarm = AuditEvent.objects.get(action="security.alerted")
    assert alarm.actor_id == str(bob.pk)
    assert AuditEvent.objects.filter(action="existence.asked").count() == policies.ASKED_A_MINUTE


def test_nobody_is_told_anything_while_nobody_counts(
    registered: Register, bob: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered()
    client.force_login(bob)

    def away(*_args: Any, **_names: Any) -> int:
        raise ConnectionError

    monkeypatch.setattr(cache, "incr", away)
    try:
        assert YES not in looked(client, bob, **BORN)
    finally:
        throttling.begin_anew()


def test_the_audit_knows_who_asked_and_keeps_no_name_that_was_mistyped(
    registered: Register, bob: User, client: Client
) -> None:
    registered()
    looked(client, bob, **BORN)
    looked(client, bob, name="Mistyped Person", birth_date="1970-01-02")
    hit, miss = AuditEvent.objects.filter(action="existence.asked").order_by("at", "id")
    assert (hit.patient_id, hit.detail["answer"], hit.actor_id) == ("P1", "elsewhere", str(bob.pk))
    assert (miss.patient_id, miss.detail["answer"]) == ("", "nothing")
    assert "Mistyped" not in str(miss.detail)
    assert miss.detail["by"] == ["name", "birth_date"]


@pytest.mark.parametrize("role", [Role.ARCHIVIST, Role.QUALITY_OFFICER, Role.PRIVACY_OFFICER, Role.ADMINISTRATOR])
def test_who_may_not_ask_for_access_is_told_nothing(
    role: Role, registered: Register, orthopaedics: Department, client: Client
) -> None:
    registered()
    person = UserFactory.create()
    MembershipFactory.create(user=person, department=orthopaedics, role=role)
    client.force_login(person)
    assert client.post("/access/elsewhere", BORN).status_code == 403
    assert client.get("/access/").status_code == 403


def test_machines_and_strangers_are_told_nothing(registered: Register, machine: IssuedKey, client: Client) -> None:
    registered(also=None)
    key = {"Authorization": f"Bearer {machine.plaintext}"}
    assert client.post("/access/elsewhere", BORN, headers=key).status_code == 302
    assert client.post("/access/elsewhere", BORN).status_code == 302
    for address in (
        "/dicom-web/studies?PatientID=P1&PatientBirthDate=19700102",
        "/api/v1/studies?PatientID=P1",
        "/api/v1/patients?patient_id=P1",
    ):
        text = client.get(address, headers=key).content.decode()
        assert "elsewhere" not in text.casefold()
        assert "P1" not in text.replace("PatientID=P1", "").replace("patient_id=P1", "")


def test_the_list_looks_at_once_for_what_names_one_patient_and_offers_to_look_for_the_rest(
    registered: Register, bob: User, client: Client
) -> None:
    registered()
    client.force_login(bob)
    assert 'hx-trigger="load"' in client.get("/", {"q": "P1 1970-01-02"}).content.decode()
    page = client.get("/", {"q": "Durand"}).content.decode()
    assert 'hx-trigger="load"' not in page
    assert "Look elsewhere in the hospital" in page
    assert "Look elsewhere" not in client.get("/").content.decode()
    assert not AuditEvent.objects.filter(action="existence.asked").exists()


def test_a_search_text_cannot_break_out_of_the_page(bob: User, client: Client) -> None:
    client.force_login(bob)
    page = client.get("/", {"q": '"><script>alert(1)</script> 1970-01-02'}).content.decode()
    assert "<script>alert" not in page


def test_a_seal_belongs_to_who_looked_and_holds_no_answer(registered: Register, bob: User, client: Client) -> None:
    study = registered()
    client.force_login(bob)
    seal = seal_of(client, **BORN)
    assert questions.opened(seal, person=bob.pk) is not None
    assert questions.opened(seal, person=bob.pk + 1) is None
    assert questions.opened(seal[:-1] + ("A" if seal[-1] != "A" else "B"), person=bob.pk) is None
    asked, _token = questions.opened(seal, person=bob.pk) or (None, None)
    assert study.study_instance_uid not in str(asked)
    other = UserFactory.create()
    MembershipFactory.create(user=other, department=Department.objects.get(code="orthopaedics"))
    client.force_login(other)
    answer = client.post("/access/ask", {"seal": seal})
    assert (answer.status_code, answer["Location"]) == (302, "/access/")


@pytest.mark.parametrize(
    ("text", "identifiers"),
    [
        ("P1 1970-01-02", ["patient_id", "birth_date"]),
        ("19700102 P1", ["patient_id", "birth_date"]),
        ("Durand Hélène 2/1/1970", ["name", "birth_date"]),
        ("1.2.826.0.1.3680043.10.1.7", ["study_instance_uid"]),
        ("1.2.3", None),
        ("Durand", None),
        ("Durand 1970-01-02", None),
        ("1970-01-02 1980-01-02", None),
        ("31/02/1970 P1", None),
        ("", None),
        ("\x00" * 300, None),
    ],
)
def test_a_search_text_is_a_question_when_it_names_one_patient(text: str, identifiers: list[str] | None) -> None:
    asked = questions.read(text)
    assert (asked.identifiers if asked else None) == identifiers
    if asked:
        assert questions.asked_of(questions.told(asked)) == asked
