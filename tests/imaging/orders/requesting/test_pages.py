"""The pages of requests: who gets which, what is typed into them, and that nothing of one patient reaches a stranger."""

import datetime as dt
import re
import uuid
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import Department, User
from accounts.roles import Role
from imaging.orders import transitions
from imaging.orders.models import ExamRequest, FavouriteProcedure, OpeningHours, Procedure, Room, ScheduledStep
from imaging.orders.requesting import attachments
from imaging.orders.workflow import State, Step
from imaging.storage.errors import ObjectDamaged, StorageAway, StorageError
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.imaging.orders.requesting.conftest import Register, asker, draft, sent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogued")]
PART = {"HX-Request": "true"}


@pytest.fixture
def as_ines(client: Client, ines: User) -> Client:
    client.force_login(ines)
    return client


def fields(request: ExamRequest, **changes: str) -> dict[str, str]:
    return {
        "version": str(request.version),
        "procedure": "DX-HAND",
        "laterality": "L",
        "clinical_question": "Fall on the hand, fracture?",
        "priority": "2",
        **changes,
    }


def test_a_patient_is_found_by_name_only_where_one_may_know_of_them(
    as_ines: Client, noe: User, registered: Register
) -> None:
    registered(PatientID="77", PatientName="Durand^Hélène")
    found = as_ines.post(reverse("orders:new"), {"text": "helene dur"}, headers=PART)
    seal = re.search(r'name="patient" value="([^"]+)"', found.text)
    assert seal is not None
    as_ines.force_login(noe)
    assert "Hélène" not in as_ines.post(reverse("orders:new"), {"text": "helene"}, headers=PART).text
    stolen = as_ines.post(reverse("orders:new"), {"patient": seal[1]})
    assert stolen.url == reverse("orders:new")
    assert not ExamRequest.objects.exists()


def test_a_draft_is_begun_from_a_study_and_not_from_one_of_a_stranger(
    as_ines: Client, noe: User, registered: Register
) -> None:
    study = registered(PatientID="77")
    begun = as_ines.post(reverse("orders:new"), {"study": study.study_instance_uid})
    request = ExamRequest.objects.get()
    assert (begun.url, request.patient) == (reverse("orders:edit", args=[request.key]), study.patient)
    assert "77" not in begun.url.replace(str(request.key), "")
    as_ines.force_login(noe)
    for uid in (study.study_instance_uid, "1.2.3", "x\x00", "9" * 5000):
        assert as_ines.post(reverse("orders:new"), {"study": uid}).url == reverse("orders:new")


@pytest.mark.parametrize(
    "typed",
    [
        {"family_name": ""},
        {"family_name": "Durand"},
        {"family_name": "Du^rand", "patient_id": "1"},
        {"family_name": "Durand", "birth_date": "2999-01-01"},
        {"family_name": "Durand", "birth_date": "1066-01-01"},
        {"family_name": "x" * 65, "patient_id": "1"},
        {"family_name": "Durand", "patient_id": "1\\2"},
    ],
)
def test_a_typed_patient_who_could_be_nobody_is_refused_in_words(as_ines: Client, typed: dict[str, str]) -> None:
    answer = as_ines.post(reverse("orders:new"), typed)
    assert answer.status_code == 422
    assert not ExamRequest.objects.exists()


def test_from_the_draft_to_sent(as_ines: Client, ines: User) -> None:
    begun = as_ines.post(reverse("orders:new"), {"family_name": "Durand", "sex": "M", "patient_id": "77"})
    request = ExamRequest.objects.get()
    assert as_ines.get(begun.url).status_code == 200
    missing = as_ines.post(begun.url, fields(request, laterality="", send="1"))
    assert missing.status_code == 422
    assert "Say which side." in missing.text
    request.refresh_from_db()
    assert request.clinical_question == "Fall on the hand, fracture?"

    done = as_ines.post(begun.url, fields(request, send="1"), follow=True)
    request.refresh_from_db()
    assert request.state == State.REQUESTED
    assert request.accession_number in done.text


def test_typing_is_kept_and_answers_with_what_follows_from_the_exam(as_ines: Client, ines: User) -> None:
    made = draft(ines)
    address = reverse("orders:save", args=[made.key])
    answer = as_ines.post(address, fields(made, procedure="MR-KNEE", asked="", shown="DX-HAND"), headers=PART)
    made.refresh_from_db()
    assert made.procedure == Procedure.objects.get(code="MR-KNEE")
    assert 'name="q-pacemaker"' in answer.text
    assert f'name="version" value="{made.version}"' in answer.text
    digest = re.search(r'name="asked" value="([^"]*)"', answer.text)
    assert digest is not None
    again = as_ines.post(address, fields(made, procedure="MR-KNEE", asked=digest[1], shown="MR-KNEE"), headers=PART)
    assert 'name="q-pacemaker"' not in again.text


def test_the_second_of_two_tabs_is_told_and_may_keep_its_own(as_ines: Client, ines: User) -> None:
    made = draft(ines)
    address = reverse("orders:save", args=[made.key])
    as_ines.post(address, fields(made, clinical_question="from the first tab"), headers=PART)
    told = as_ines.post(address, fields(made, clinical_question="from the second tab"), headers=PART)
    assert "Somebody has changed this request meanwhile" in told.text
    made.refresh_from_db()
    assert made.clinical_question == "from the first tab"

    stale = as_ines.post(
        reverse("orders:edit", args=[made.key]), fields(made, version="1", clinical_question="from the second tab")
    )
    assert stale.status_code == 409
    assert "from the second tab" in stale.text
    as_ines.post(
        reverse("orders:edit", args=[made.key]),
        fields(made, version="1", over=str(made.version), clinical_question="from the second tab"),
    )
    made.refresh_from_db()
    assert made.clinical_question == "from the second tab"


@pytest.mark.parametrize(
    "hostile",
    [
        {"clinical_question": "<script>alert(1)</script> and a fall"},
        {"clinical_question": "x" * 4001},
        {"procedure": "' OR 1=1 --"},
        {"procedure": "DX-HAND\x00"},
        {"priority": "-1"},
        {"laterality": "X"},
        {"weight_kg": "1e99"},
        {"wished_from": "2026-99-99"},
        {"performing": "999999999999"},
        {"department": "999999"},
        {"version": "x" * 50},
        {"version": "9" * 50},
        {"contact": "a\x07b"},
    ],
)
def test_anything_may_be_posted_and_what_cannot_be_meant_changes_nothing(
    as_ines: Client, ines: User, hostile: dict[str, str]
) -> None:
    made = draft(ines)
    for name in ("save", "edit"):
        made.refresh_from_db()
        answer = as_ines.post(reverse(f"orders:{name}", args=[made.key]), {**fields(made), **hostile}, follow=True)
        assert answer.status_code == 200
        assert "<script>alert(1)" not in answer.text
    made.refresh_from_db()
    assert (made.priority, made.weight_kg, made.contact, made.state) == (2, None, "", State.DRAFT)


def test_every_page_of_a_request_is_404_to_a_stranger_as_if_it_did_not_exist(
    as_ines: Client, ines: User, noe: User, data_dir: object
) -> None:
    made = sent(ines)
    file = SimpleUploadedFile("letter.pdf", b"%PDF-1.7 x")
    as_ines.post(reverse("orders:attach", args=[made.key]), {"file": file})
    attached = made.attachments.get()
    got = as_ines.get(reverse("orders:attachment", args=[made.key, attached.key]))
    assert b"".join(got.streaming_content) == b"%PDF-1.7 x"  # type: ignore[attr-defined]
    assert got["X-Content-Type-Options"] == "nosniff"
    assert got["Content-Disposition"].startswith("attachment")

    as_ines.force_login(noe)
    for key in (made.key, uuid.uuid4()):
        for name in ("request", "edit", "slip"):
            assert as_ines.get(reverse(f"orders:{name}", args=[key])).status_code == 404
        for name in ("edit", "save", "copy", "cancel", "acknowledge", "write", "join", "attach"):
            assert as_ines.post(reverse(f"orders:{name}", args=[key]), {"text": "x"}).status_code == 404
        assert as_ines.get(reverse("orders:attachment", args=[key, attached.key])).status_code == 404
        assert as_ines.post(reverse("orders:detach", args=[key, attached.key])).status_code == 404
    made.refresh_from_db()
    assert made.state == State.REQUESTED


def test_who_may_not_ask_is_refused_and_who_does_the_exam_may_read(
    as_ines: Client, ines: User, radiology: Department, emergency: Department
) -> None:
    made = sent(ines)
    tom = UserFactory.create(username="tom")
    MembershipFactory.create(user=tom, department=radiology, role=Role.RADIOGRAPHER)
    as_ines.force_login(tom)
    assert as_ines.get(reverse("orders:request", args=[made.key])).status_code == 200
    for name in ("requests", "new", "procedures"):
        assert as_ines.get(reverse(f"orders:{name}")).status_code == 403
    film = UserFactory.create(username="film")
    MembershipFactory.create(user=film, department=emergency, role=Role.ARCHIVIST)
    as_ines.force_login(film)
    assert as_ines.get(reverse("orders:request", args=[made.key])).status_code == 403


def test_a_department_reads_its_requests_but_changes_none_of_the_other_side(
    as_ines: Client, ines: User, paul: User
) -> None:
    made = sent(ines)
    as_ines.force_login(paul)
    assert as_ines.get(reverse("orders:edit", args=[made.key])).status_code == 302
    assert as_ines.post(reverse("orders:save", args=[made.key]), fields(made)).status_code == 403
    assert as_ines.post(reverse("orders:cancel", args=[made.key]), {"reason": "no"}).status_code == 403
    assert as_ines.post(reverse("orders:attach", args=[made.key]), {}).status_code == 403
    made.refresh_from_db()
    assert made.state == State.REQUESTED


@pytest.mark.usefixtures("early_clock")
def test_the_list_shows_one_s_own_or_the_department_s_and_answers_304_where_nothing_is_new(
    as_ines: Client, ines: User, emergency: Department
) -> None:
    mine = sent(ines)
    other = UserFactory.create(username="other")
    MembershipFactory.create(user=other, department=emergency)
    theirs, hidden = sent(other), draft(other)
    address = reverse("orders:requests")
    page = as_ines.get(address)
    assert (str(mine.key) in page.text, str(theirs.key) in page.text) == (True, False)
    page = as_ines.get(address, {"of": "department"})
    assert (str(theirs.key) in page.text, str(hidden.key) in page.text) == (True, False)
    first = as_ines.get(address, headers=PART)
    again = as_ines.get(address, headers={**PART, "If-None-Match": first["ETag"]})
    assert again.status_code == 304
    for odd in ({"before": "x"}, {"before": "9" * 18}, {"show": "<b>"}, {"priority": "no"}, {"of": "\x00"}):
        assert as_ines.get(address, odd).status_code == 200


def test_the_list_is_read_page_by_page(as_ines: Client, ines: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from imaging.orders.requesting import selectors

    monkeypatch.setattr(selectors, "PAGE", 2)
    keys = [str(draft(ines).key) for _number in range(3)]
    first = as_ines.get(reverse("orders:requests"), {"show": "draft"})
    assert [key in first.text for key in keys] == [False, True, True]
    second = as_ines.get(f"{reverse('orders:requests')}?{first.context['next']}")
    assert [key in second.text for key in keys] == [True, False, False]


@pytest.mark.usefixtures("early_clock")
def test_the_page_of_a_request_tells_what_happened_and_takes_the_answer(
    as_ines: Client, ines: User, paul: User
) -> None:
    made = sent(ines)
    transitions.take(made.key, Step.RETURN, by=asker(paul).by, reason="Which finger?")
    address = reverse("orders:request", args=[made.key])
    assert "Which finger?" in as_ines.get(address).text
    as_ines.post(reverse("orders:write", args=[made.key]), {"text": "The <third>", "answer": "1"})
    page = as_ines.get(address)
    assert "The &lt;third&gt;" in page.text
    made.refresh_from_db()
    assert made.state == State.REQUESTED
    part = as_ines.get(address, headers=PART)
    assert as_ines.get(address, headers={**PART, "If-None-Match": part["ETag"]}).status_code == 304


def test_an_empty_remark_is_refused_as_a_warning_and_not_told_as_done(as_ines: Client, ines: User) -> None:
    made = sent(ines)
    answer = as_ines.post(reverse("orders:write", args=[made.key]), {"text": " "}, follow=True)
    assert [message.level_tag for message in answer.context["messages"]] == ["warning"]
    assert not made.notes.exists()


def test_who_cancels_what_has_changed_meanwhile_is_told_and_nothing_is_done(as_ines: Client, ines: User) -> None:
    made = sent(ines)
    address = reverse("orders:cancel", args=[made.key])
    as_ines.post(address, {"reason": "gone", "version": str(made.version - 1)})
    as_ines.post(address, {"reason": " ", "version": str(made.version)})
    made.refresh_from_db()
    assert made.state == State.REQUESTED
    as_ines.post(address, {"reason": "gone", "version": str(made.version)})
    made.refresh_from_db()
    assert made.state == State.CANCELLED


def test_the_slip_is_in_the_patient_s_language_with_the_preparation(as_ines: Client, ines: User) -> None:
    made = sent(ines, code="US-ABDOMEN", laterality="")
    address = reverse("orders:slip", args=[made.key])
    assert "Ne rien manger" in as_ines.get(address, {"lang": "fr"}).text
    english = as_ines.get(address, {"lang": "en"}).text
    assert "Eat nothing" in english
    assert made.accession_number in english
    assert as_ines.get(reverse("orders:slip", args=[draft(ines).key])).status_code == 404


def test_an_exam_is_kept_at_hand_by_its_star_and_the_picker_keeps_what_is_chosen(as_ines: Client, ines: User) -> None:
    as_ines.post(reverse("orders:star"), {"star": "DX-HAND"})
    assert FavouriteProcedure.objects.get().procedure.code == "DX-HAND"
    as_ines.post(reverse("orders:star"), {"star": "DX-HAND"})
    as_ines.post(reverse("orders:star"), {"star": "nothing"})
    assert not FavouriteProcedure.objects.exists()
    shown = as_ines.get(reverse("orders:procedures"), {"find": "genou", "procedure": "DX-HAND"})
    assert 'value="DX-HAND" checked' in shown.text
    assert 'value="DX-KNEE"' in shown.text


@pytest.mark.parametrize("content", [b"<html>", b"MZ", b"PK\x03\x04"])
def test_what_cannot_be_attached_is_told_and_not_kept(
    as_ines: Client, ines: User, data_dir: object, content: bytes
) -> None:
    made = draft(ines)
    file = SimpleUploadedFile("letter.pdf", content, content_type="application/pdf")
    answer = as_ines.post(reverse("orders:attach", args=[made.key]), {"file": file}, headers=PART)
    assert "Nothing was kept" in answer.text
    assert not made.attachments.exists()


@pytest.mark.parametrize(
    ("error", "told"), [(StorageAway, "a store that does not answer"), (ObjectDamaged, "missing or damaged")]
)
def test_a_letter_that_cannot_be_read_is_told_and_not_denied(
    as_ines: Client,
    ines: User,
    data_dir: object,
    monkeypatch: pytest.MonkeyPatch,
    error: type[StorageError],
    told: str,
) -> None:
    made = draft(ines)
    row = attachments.attach(asker(ines), made.key, BytesIO(b"%PDF-1"), name="letter.pdf")

    def fail(*_args: object) -> None:
        raise error

    monkeypatch.setattr("imaging.orders.requesting.views.storage.open", fail)
    answer = as_ines.get(reverse("orders:attachment", args=[made.key, row.key]))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert told in answer.text
    assert "letter.pdf" in answer.text


def test_the_form_shows_when_the_exam_could_be_done_first_and_holds_nothing(
    as_ines: Client, ines: User, radiology: Department
) -> None:
    made = draft(ines)
    address = reverse("orders:edit", args=[made.key])
    assert "First free places" not in as_ines.get(address).text
    for code, kinds in (("dx1", ["DX"]), ("ct1", ["CT"])):
        room = Room.objects.create(code=code, name=f"Room {code}", department=radiology, modalities=kinds)
        for weekday in range(7):
            OpeningHours.objects.create(room=room, weekday=weekday, opens=dt.time(8), closes=dt.time(18))
    shown = as_ines.get(address).text
    assert "First free places" in shown
    assert "Room dx1" in shown
    assert "Room ct1" not in shown
    assert not ScheduledStep.objects.exists()
