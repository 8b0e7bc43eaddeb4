"""The desks' pages: what each person gets, what is refused, and that everything received stays text."""

from typing import Any

import pytest
from django.test import Client
from pydicom.config import disable_value_validation
from pydicom.uid import JPEGLSLossless

from accounts.audit.models import AuditEvent
from accounts.models import Department, User
from accounts.roles import Role
from imaging.ingest.models import QuarantinedObject
from imaging.rendering import loose
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.imaging.ingest.desk.conftest import Receive, Staff
from tests.imaging.rendering.conftest import Pool

pytestmark = pytest.mark.django_db(transaction=True)

HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}\u202etxt'


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def waiting(receive: Receive, emergency: Department) -> QuarantinedObject:
    receive(arrivals.dataset(PatientID="P9", PatientName="Known^Anna"), departments=[emergency])
    (found,) = receive(
        arrivals.dataset(PatientID="P9", PatientName="Strange^Zoe", PatientBirthDate="19991231"),
        departments=[emergency],
    )
    return found


def addresses(found: QuarantinedObject) -> list[str]:
    return [f"/quarantine/{found.pk}/", f"/quarantine/{found.pk}/picture"]


def test_people_who_decide_nowhere_are_refused_whatever_they_ask(waiting: QuarantinedObject, alice: User) -> None:
    client = signed_in(alice)
    for address in ("/quarantine/", "/quarantine/decisions/", "/quarantine/999999/", *addresses(waiting)):
        assert client.get(address).status_code == 403, address
    assert client.post("/quarantine/decide", {"decision": "release", "chosen": waiting.pk}).status_code == 403
    assert Client().get("/quarantine/").status_code == 302


def test_a_stranger_s_object_is_like_one_that_does_not_exist(waiting: QuarantinedObject, staff: Staff) -> None:
    client = signed_in(staff.orthopaedics)
    for address in (*addresses(waiting), "/quarantine/999999/", "/quarantine/999999/picture"):
        assert client.get(address).status_code == 404, address
    assert b"Strange" not in client.get("/quarantine/").content
    answer = client.post("/quarantine/decide", {"decision": "release", "chosen": str(waiting.pk)}, follow=True)
    assert "Nothing was left to decide" in answer.content.decode()
    waiting.refresh_from_db()
    assert waiting.state == "open"


def test_the_list_the_object_and_the_decision_are_shown_and_read_on_record(
    waiting: QuarantinedObject, staff: Staff
) -> None:
    client = signed_in(staff.emergency)
    page = client.get("/quarantine/").content.decode()
    assert "STRANGE" in page
    assert "the patient does not agree with what is known" in page
    shown = client.get(f"/quarantine/{waiting.pk}/")
    assert shown["Cache-Control"] == "private, no-store"
    text = shown.content.decode()
    assert "The name differs." in text
    assert "Known, Anna" in text
    read = AuditEvent.objects.get(action="metadata.read", subject_type="quarantined_object")
    assert (read.actor_name, read.subject_uid, read.patient_id) == ("rosa", str(waiting.pk), "P9")
    answer = client.post(
        "/quarantine/decide",
        {"decision": "reject", "chosen": str(waiting.pk), "reason_code": "test", "note": "phantom"},
        follow=True,
    ).content.decode()
    assert "Decided about 1 object." in answer
    assert "phantom" in answer
    waiting.refresh_from_db()
    assert waiting.state == "rejected"
    client.post(f"/quarantine/decisions/{waiting.decision_id}/undo")
    waiting.refresh_from_db()
    assert waiting.state == "open"
    for address in ("/quarantine/decisions/", f"/quarantine/{waiting.pk}/"):
        assert client.get(address).status_code == 200


def test_the_header_of_the_archive_s_image_beside_it_is_read_on_record(
    receive: Receive, emergency: Department, staff: Staff
) -> None:
    known = arrivals.dataset()
    receive(known, departments=[emergency])
    (waiting,) = receive(
        arrivals.dataset(SOPInstanceUID=known.SOPInstanceUID, StudyInstanceUID=known.StudyInstanceUID),
        departments=[emergency],
    )
    assert waiting.reason == "hierarchy_conflict"
    assert signed_in(staff.emergency).get(f"/quarantine/{waiting.pk}/").status_code == 200
    read = AuditEvent.objects.get(action="metadata.read", subject_type="study")
    assert (read.actor_name, read.subject_uid, read.patient_id) == ("rosa", known.StudyInstanceUID, "P1")


def test_a_decision_of_others_is_no_decision_of_mine(waiting: QuarantinedObject, staff: Staff) -> None:
    rosa, omar = signed_in(staff.emergency), signed_in(staff.orthopaedics)
    rosa.post("/quarantine/decide", {"decision": "reject", "chosen": str(waiting.pk), "reason_code": "test"})
    waiting.refresh_from_db()
    assert omar.get(f"/quarantine/decisions/{waiting.decision_id}/").status_code == 404
    assert omar.post(f"/quarantine/decisions/{waiting.decision_id}/undo").status_code == 404
    waiting.refresh_from_db()
    assert waiting.state == "rejected"


@pytest.mark.parametrize(
    ("posted", "said"),
    [
        ({"decision": "release"}, "Nothing is selected"),
        ({"decision": "reject", "chosen": "1"}, "Choose why it is rejected"),
        ({"decision": "reject", "chosen": "1", "reason_code": "other"}, "Say in a few words"),
        ({"decision": "correct", "chosen": "1"}, "Choose what is to be corrected"),
        ({"decision": "correct", "chosen": "1", "identity": "typed"}, "This is needed to know who the patient is"),
        ({"decision": "correct", "chosen": "1", "identity": "known", "patient": "99999"}, "Choose the patient"),
        (
            {"decision": "correct", "chosen": "1", "identity": "typed", "patient_id": "a\\b", "family_name": "X"},
            "No backslash",
        ),
        ({"decision": "release", "chosen": "1", "place_in": "99999"}, "Department: "),
        ({"decision": "explode", "chosen": "1"}, "explode"),
        ({"decision": "release", "chosen": ["x", "1-", "-", "9" * 30, "\u0661"]}, "Nothing is selected"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_sentence(posted: dict[str, Any], said: str, staff: Staff) -> None:
    answer = signed_in(staff.emergency).post("/quarantine/decide", posted, follow=True)
    assert answer.status_code == 200
    assert said in answer.content.decode()


def test_a_study_is_placed_only_where_the_person_decides(
    receive: Receive, staff: Staff, orthopaedics: Department
) -> None:
    (found,) = receive(arrivals.dataset())
    posted = {"decision": "release", "chosen": str(found.pk), "place_in": str(orthopaedics.pk)}
    assert "Department: " in signed_in(staff.emergency).post("/quarantine/decide", posted, follow=True).content.decode()
    found.refresh_from_db()
    assert found.state == "open"


def test_patients_to_choose_from_are_those_in_whose_studies_one_may_write(
    waiting: QuarantinedObject, staff: Staff
) -> None:
    find = {"find": "anna"}
    assert "KNOWN" in signed_in(staff.emergency).get("/quarantine/patients", find).content.decode()
    assert "KNOWN" not in signed_in(staff.orthopaedics).get("/quarantine/patients", find).content.decode()


def test_an_object_of_another_department_s_study_tells_nothing_of_it(
    receive: Receive, staff: Staff, emergency: Department, orthopaedics: Department
) -> None:
    first = arrivals.dataset(PatientID="SECRET1", PatientName="Secret^Susan", StudyDescription="Hidden exam")
    receive(first, departments=[emergency])
    (found,) = receive(
        arrivals.dataset(StudyInstanceUID=first.StudyInstanceUID, PatientID="P2"),
        sender="OR1",
        departments=[orthopaedics],
    )
    page = signed_in(staff.orthopaedics).get(f"/quarantine/{found.pk}/").content.decode()
    for text in ("SECRET1", "Secret", "Hidden exam", "Emergency", f"/studies/{first.StudyInstanceUID}/"):
        assert text not in page, text
    assert "another department" in page
    assert "Secret" in signed_in(staff.both).get(f"/quarantine/{found.pk}/").content.decode()


def test_hostile_texts_stay_texts(receive: Receive, emergency: Department, staff: Staff) -> None:
    with disable_value_validation():
        made = arrivals.dataset(
            PatientName='"><svg/onload>^X',
            PatientID=HOSTILE[:60],
            StudyDescription=HOSTILE,
            SeriesDescription=HOSTILE,
            StationName="<s>CT</s>",
            AccessionNumber="<b>1</b>",
            PatientComments=HOSTILE,
        )
        (found,) = receive(made, sender="<img src=x>")
    client = signed_in(staff.emergency)
    for address in ("/quarantine/", f"/quarantine/{found.pk}/", f"/quarantine/?sender={HOSTILE}&q={HOSTILE}"):
        text = client.get(address).content.decode()
        for markup in ("<img src=x", "<script>alert", "<svg/onload", "<s>CT", "<b>1"):
            assert markup not in text, (address, markup)
    assert "<bdi>" in client.get(f"/quarantine/{found.pk}/").content.decode()


def test_pictures_of_what_waits_are_drawn_and_read_on_record(
    waiting: QuarantinedObject, staff: Staff, decoders: Pool
) -> None:
    answer = signed_in(staff.emergency).get(f"/quarantine/{waiting.pk}/picture")
    assert (answer.status_code, answer["Content-Type"], answer["Cache-Control"]) == (
        200,
        "image/webp",
        "private, no-store",
    )
    assert answer.content[8:12] == b"WEBP"
    assert AuditEvent.objects.filter(action="frames.read", subject_type="quarantined_object").count() == 1


def test_what_cannot_be_drawn_says_why(receive: Receive, staff: Staff, decoders: Pool, emergency: Department) -> None:
    (found,) = receive(arrivals.dataset(PixelData=b"\x00" * 10), departments=[emergency])
    assert found.reason == "unreadable"
    answer = signed_in(staff.emergency).get(f"/quarantine/{found.pk}/picture")
    assert answer.status_code == 415
    assert "Part of the image is missing" in answer.content.decode()


def test_a_frame_of_many_fragments_is_not_read_whole(
    receive: Receive, staff: Staff, decoders: Pool, emergency: Department, monkeypatch: Any
) -> None:
    monkeypatch.setattr(loose, "_LARGEST", 1000)
    fragments = b"".join(b"\xfe\xff\x00\xe0" + (600).to_bytes(4, "little") + bytes(600) for _ in range(3))
    made = arrivals.dataset(PatientID="P9", PatientName="Strange^Zoe")
    made.PixelData = b"\xfe\xff\x00\xe0\0\0\0\0" + fragments + b"\xfe\xff\xdd\xe0\0\0\0\0"
    made["PixelData"].is_undefined_length = True
    made["PixelData"].VR = "OB"
    made.Rows = made.Columns = 64
    (found,) = receive(arrivals.encoded(made, JPEGLSLossless), departments=[])
    answer = signed_in(staff.emergency).get(f"/quarantine/{found.pk}/picture")
    assert (answer.status_code, "larger than can be drawn" in answer.content.decode()) == (415, True)


def test_the_bar_counts_what_waits_for_those_who_decide(waiting: QuarantinedObject, staff: Staff, alice: User) -> None:
    assert "1 waiting" in signed_in(staff.emergency).get("/").content.decode()
    assert "1 waiting" not in signed_in(staff.orthopaedics).get("/").content.decode()
    assert "/quarantine/" not in signed_in(alice).get("/").content.decode()


def test_a_manager_decides_too(waiting: QuarantinedObject, emergency: Department) -> None:
    person = UserFactory.create(username="mona")
    MembershipFactory.create(user=person, department=emergency, role=Role.DEPARTMENT_MANAGER)
    assert "STRANGE" in signed_in(person).get("/quarantine/").content.decode()
