"""STOW-RS: objects arrive as they were sent, and the answer says of each what became of it."""

import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pydicom
import pytest
from django.conf import settings
from django.test import Client
from django.test.client import FakePayload

from accounts.audit.models import AuditEvent
from accounts.models import Department, User
from accounts.roles import Right, Role
from accounts.services import IssuedKey
from imaging.dicom import part10
from imaging.dicomweb import store_delivery
from imaging.ingest import services as ingest
from imaging.ingest.models import QuarantinedObject
from imaging.storage import services as storage
from imaging.studies.models import Instance, InstanceVersion, Study
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory, issue_machine_key
from tests.imaging.dicomweb.stow import BOUNDARY, STUDIES, P, Sender, body

pytestmark = pytest.mark.django_db

ANOTHER_STUDY, CANNOT_UNDERSTAND, PART_NOT_UNDERSTOOD, SYNTAX = 0xA901, 0xC000, 0xC002, 0xC122
MULTIPART = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'


@pytest.fixture(autouse=True)
def _spool(data_dir: Path, settings: Any) -> None:
    settings.SPOOL_RESERVE = lambda _total: 0


def keyed(key: IssuedKey) -> Sender:
    return Sender(Client(), {"Authorization": f"Bearer {key.plaintext}"})


@pytest.fixture
def sender(machine: IssuedKey) -> Sender:
    """A machine of the emergency department."""
    return keyed(machine)


def slices(number: int, **changes: Any) -> list[Any]:
    study, series = arrivals.uid(), arrivals.uid()
    return [
        arrivals.dataset(StudyInstanceUID=study, SeriesInstanceUID=series, InstanceNumber=n + 1, **changes)
        for n in range(number)
    ]


def kept(sop_instance_uid: str) -> bytes:
    version = InstanceVersion.objects.get(instance__sop_instance_uid=sop_instance_uid)
    return storage.read(version.stored_object)


def test_objects_arrive_bit_by_bit_and_each_is_told(sender: Sender, emergency: Department) -> None:
    made = slices(3)
    contents = [arrivals.encoded(one) for one in made]
    answer = sender.objects(*contents)
    assert answer.status == 200
    assert answer.raw["Content-Type"] == "application/dicom+json"
    assert answer.raw["Cache-Control"] == "no-store"
    uids = [str(one.SOPInstanceUID) for one in made]
    assert answer.stored == uids
    assert not answer.failed
    assert not answer.warnings
    for uid, content in zip(uids, contents, strict=True):
        assert kept(uid) == content
    study = Study.objects.get()
    address = f"http://testserver/dicom-web/studies/{study.study_instance_uid}"
    assert answer.content["00081190"]["Value"] == [address]
    first = answer.content["00081199"]["Value"][0]
    assert first["00081150"]["Value"] == [str(made[0].SOPClassUID)]
    retrieved = sender.client.get(
        first["00081190"]["Value"][0], headers={**sender.headers, "Accept": "application/dicom"}
    )
    assert retrieved.getvalue() == contents[0]
    assert [placement.department for placement in study.placements.all()] == [emergency]
    event = AuditEvent.objects.get(action="instances.received")
    assert (event.actor_name, event.door) == ("emergency-gateway", "dicomweb")
    assert not list(ingest.spool().entries())


def test_what_is_sent_again_changes_nothing(sender: Sender) -> None:
    contents = [arrivals.encoded(one) for one in slices(2)]
    first, second = sender.objects(*contents), sender.objects(*contents)
    assert second.status == 200
    assert second.content == first.content
    assert InstanceVersion.objects.count() == 2


def test_the_study_of_the_address_is_enforced_for_each_instance(sender: Sender) -> None:
    (right,), (wrong,) = slices(1), slices(1)
    answer = sender.objects(arrivals.encoded(wrong), arrivals.encoded(right), study=str(right.StudyInstanceUID))
    assert answer.status == 202
    assert answer.stored == [str(right.SOPInstanceUID)]
    assert answer.failed == {str(wrong.SOPInstanceUID): ANOTHER_STUDY}
    assert Study.objects.get().study_instance_uid == right.StudyInstanceUID
    refused = sender.objects(arrivals.encoded(wrong), study=str(right.StudyInstanceUID))
    assert refused.status == 409
    event = AuditEvent.objects.filter(action="store.refused").latest("pk")
    assert event.subject_uid == right.StudyInstanceUID
    assert event.detail["failures"] == {"A901": 1}


def test_an_object_that_is_none_is_told_and_harms_no_other(sender: Sender) -> None:
    (good,) = slices(1)
    nameless = arrivals.dataset()
    content = arrivals.encoded(nameless)
    del nameless.StudyInstanceUID
    answer = sender.objects(b"no DICOM", arrivals.encoded(nameless), arrivals.encoded(good), content[:200], b"")
    assert answer.status == 202
    assert answer.stored == [str(good.SOPInstanceUID)]
    assert answer.other_failures == [CANNOT_UNDERSTAND] * 4
    assert Instance.objects.count() == 1


def test_an_object_that_cannot_be_read_is_kept_and_told_with_a_warning(sender: Sender) -> None:
    (made,) = slices(1, Rows=4000)
    answer = sender.objects(arrivals.encoded(made))
    assert answer.status == 202
    assert answer.stored == [str(made.SOPInstanceUID)]
    assert QuarantinedObject.objects.get().reason == "unreadable"
    told = answer.content["00081199"]["Value"][0]
    assert told["00081196"]["Value"] == [0xB007]
    assert told["00000902"]["Value"]


def test_the_answer_never_tells_whether_a_study_existed(
    sender: Sender, emergency: Department, orthopaedics: Department
) -> None:
    (made,) = slices(1)
    keyed(issue_machine_key(orthopaedics, name="ortho")).objects(arrivals.encoded(made))
    foreign = arrivals.dataset(StudyInstanceUID=made.StudyInstanceUID, PatientID="P9", PatientName="Other^One")
    (fresh,) = slices(1)
    joining, new = sender.objects(arrivals.encoded(foreign)), sender.objects(arrivals.encoded(fresh))
    assert (joining.status, new.status) == (200, 200)
    told = joining.raw.content.decode()
    for uid, other in (
        (foreign.SOPInstanceUID, fresh.SOPInstanceUID),
        (foreign.SeriesInstanceUID, fresh.SeriesInstanceUID),
        (foreign.StudyInstanceUID, fresh.StudyInstanceUID),
    ):
        told = told.replace(f"{uid}/", f"{other}/").replace(f'{uid}"', f'{other}"')
    assert told == new.raw.content.decode()
    assert QuarantinedObject.objects.get().reason == "joins_another_study"
    # The same instance with other bytes: kept as a second version, told as any other.
    made.PatientComments = "other bytes"
    again = keyed(issue_machine_key(orthopaedics, name="ortho-2")).objects(arrivals.encoded(made))
    assert (again.status, again.stored, again.warnings) == (200, [str(made.SOPInstanceUID)], [])


def test_hundreds_of_instances_are_registered_while_the_request_is_read(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_delivery, "BATCH", 20)
    made = slices(110)
    answer = sender.objects(*map(arrivals.encoded, made))
    assert answer.status == 200
    assert answer.stored == [str(one.SOPInstanceUID) for one in made]
    assert Instance.objects.count() == 110
    # A request is one transaction per batch, and one event per batch.
    assert AuditEvent.objects.filter(action="instances.received").count() == 6


def test_what_was_complete_before_the_body_broke_off_is_kept(sender: Sender) -> None:
    made = slices(3)
    whole = body(P(arrivals.encoded(one)) for one in made)
    answer = sender.send(whole[:-600], MULTIPART)
    assert answer.status == 400
    assert answer.stored == [str(one.SOPInstanceUID) for one in made[:2]]
    assert Instance.objects.count() == 2
    assert not list(ingest.spool().incoming.iterdir())
    again = sender.send(whole, MULTIPART)
    assert again.status == 200
    assert Instance.objects.count() == 3


def test_one_object_alone_is_taken_too(sender: Sender) -> None:
    (made,) = slices(1)
    content = arrivals.encoded(made)
    answer = sender.send(content, "application/dicom")
    assert (answer.status, answer.stored) == (200, [str(made.SOPInstanceUID)])
    assert kept(str(made.SOPInstanceUID)) == content


def test_the_answer_is_xml_for_who_prefers_it(sender: Sender) -> None:
    (made,) = slices(1)
    answer = sender.post(P(arrivals.encoded(made)), P(b"<script>"), Accept="application/dicom+xml")
    assert answer.raw["Content-Type"] == "application/dicom+xml"
    root = ET.fromstring(answer.raw.content)
    space = {"n": "http://dicom.nema.org/PS3.19/models/NativeDICOM"}
    stored = root.findall("n:DicomAttribute[@tag='00081199']/n:Item/n:DicomAttribute[@tag='00081155']/n:Value", space)
    assert [value.text for value in stored] == [str(made.SOPInstanceUID)]
    reason = root.find("n:DicomAttribute[@keyword='OtherFailuresSequence']/n:Item/n:DicomAttribute/n:Value", space)
    assert reason is not None
    assert b"<script>" not in answer.raw.content


@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_without_a_length_is_read_to_its_end_or_not_at_all(sender: Sender, chunked: bool) -> None:
    (made,) = slices(1)
    content = body([P(arrivals.encoded(made))])
    # As the web server gives a chunked body.
    extra: dict[str, Any] = {"wsgi.input": io.BytesIO(content), "wsgi.input_terminated": chunked}
    raw = sender.client.generic(
        "POST", STUDIES, b"x", content_type=MULTIPART, headers=sender.headers, CONTENT_LENGTH="", **extra
    )
    assert raw.status_code == (200 if chunked else 411)
    assert Instance.objects.count() == chunked


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("multipart/form-data; boundary=x", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/zip", 415),
        ("", 415),
        ("multipart/related; boundary=x", 415),
        ("multipart/related; type=text/html; boundary=x", 415),
        ("multipart/related; type=application/dicom", 400),
        ("multipart/related; type=application/dicom; boundary=" + "x" * 80, 400),
        ("multipart/related; type=application/dicom; boundary=x; boundary=y", 400),
        ("multipart/related; type=application/dicom; boundary=other", 400),
        ("multipart/related; type=", 400),
    ],
)
def test_a_body_that_is_nothing_to_store_is_refused(sender: Sender, content_type: str, status: int) -> None:
    answer = sender.send(body([P(b"x")]), content_type)
    assert answer.status == status
    assert answer.content["message"]
    assert AuditEvent.objects.filter(action="store.refused", outcome="refused").exists()


@pytest.mark.parametrize(
    "part",
    [
        P(b"x", "text/html"),
        P(b"x", "multipart/related; type=application/dicom; boundary=inner"),
        P(b"x", "application/dicom", fields={"Content-Transfer-Encoding": "base64"}),
        P(b"x", "application/dicom", fields={"Content-Encoding": "gzip"}),
    ],
)
def test_a_part_of_another_kind_is_told_and_harms_no_other(sender: Sender, part: P) -> None:
    (made,) = slices(1)
    answer = sender.post(part, P(arrivals.encoded(made)))
    assert answer.status == 202
    assert answer.other_failures == [PART_NOT_UNDERSTOOD]
    assert answer.stored == [str(made.SOPInstanceUID)]


def test_a_part_without_a_type_has_that_of_the_request(sender: Sender) -> None:
    (made,) = slices(1)
    assert sender.post(P(arrivals.encoded(made), "")).status == 200


def test_an_empty_body_is_refused(sender: Sender) -> None:
    assert sender.send(f"--{BOUNDARY}--\r\n".encode(), MULTIPART).status == 400
    raw = sender.client.generic(
        "POST", STUDIES, b"", headers=sender.headers, CONTENT_TYPE=MULTIPART, CONTENT_LENGTH="0"
    )
    assert raw.status_code == 400


def test_an_unacceptable_answer_is_refused_before_anything_is_stored(sender: Sender) -> None:
    (made,) = slices(1)
    answer = sender.post(P(arrivals.encoded(made)), Accept="text/html")
    assert answer.status == 406
    assert not Instance.objects.exists()


class Untouched(FakePayload):
    """A body that nobody may read."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise AssertionError("the body was read")


def send_unread(sender: Sender) -> Any:
    return sender.client.generic(
        "POST", STUDIES, b"x", content_type=MULTIPART, headers=sender.headers, **{"wsgi.input": Untouched(b"x")}
    )


def test_who_may_not_is_answered_before_the_body_is_read(emergency: Department, charlie: User) -> None:
    assert send_unread(Sender(Client())).status_code == 401
    assert send_unread(Sender(Client(), {"Authorization": "Bearer wrong"})).status_code == 401
    reader = issue_machine_key(emergency, name="reader", rights={"dicomweb": [Right.LIST, Right.VIEW, Right.DOWNLOAD]})
    assert send_unread(keyed(reader)).status_code == 403
    client = Client()
    client.force_login(charlie)
    assert send_unread(Sender(client)).status_code == 403
    assert AuditEvent.objects.filter(action="store.refused").count() == 2


def test_a_person_stores_with_a_token_and_the_capability_to_upload(emergency: Department) -> None:
    person = UserFactory.create(username="rosa")
    MembershipFactory.create(user=person, department=emergency, role=Role.RADIOGRAPHER)
    client = Client(enforce_csrf_checks=True)
    client.force_login(person)
    (made,) = slices(1)
    content = arrivals.encoded(made)
    assert Sender(client).objects(content).status == 403
    token = "x" * 32
    client.cookies[settings.CSRF_COOKIE_NAME] = token
    assert Sender(client, {"X-CSRFToken": "y" * 32}).objects(content).status == 403
    answer = Sender(client, {"X-CSRFToken": token}).objects(content)
    assert answer.status == 200
    assert Study.objects.get().placements.get().department == emergency


def test_nobody_stores_when_the_disk_is_full(sender: Sender, settings: Any) -> None:
    settings.SPOOL_RESERVE = lambda total: total * 2
    answer = sender.objects(arrivals.encoded(slices(1)[0]))
    assert answer.status == 507
    assert int(answer.raw["Retry-After"]) > 0
    assert answer.other_failures == [0xA700]
    assert not Instance.objects.exists()


def test_too_many_at_the_same_time_are_asked_to_come_back(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    class Busy:
        def acquire(self, *, blocking: bool) -> bool:
            assert not blocking
            return False

    monkeypatch.setattr("imaging.dicomweb.store._slots", Busy())
    answer = sender.objects(arrivals.encoded(slices(1)[0]))
    assert answer.status == 503
    assert answer.raw["Retry-After"]


def test_uploads_and_objects_together_leave_threads_to_readers(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = threading.BoundedSemaphore(1)
    monkeypatch.setattr("imaging.ingest.turnstile._turns", turns)
    content = arrivals.encoded(slices(1)[0])
    with turns:
        assert sender.objects(content).status == 503
    assert sender.objects(content).status == 200


def test_a_body_that_stalls_is_given_up_and_what_came_is_kept(sender: Sender) -> None:
    made = slices(2)
    start = body(P(arrivals.encoded(one)) for one in made)[:-600]

    class Stalling(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            found = super().read(size)
            if not found:
                raise TimeoutError
            return found

    extra: dict[str, Any] = {"wsgi.input": Stalling(start), "CONTENT_LENGTH": "3000000000"}
    raw = sender.client.generic("POST", STUDIES, b"x", content_type=MULTIPART, headers=sender.headers, **extra)
    assert raw.status_code == 408
    assert Instance.objects.count() == 1


def test_the_resources_answer_what_they_can_be_asked(sender: Sender, machine: IssuedKey) -> None:
    assert sender.client.get(STUDIES, headers=sender.headers).json() == []
    for method in ("put", "delete"):
        for address in (STUDIES, f"{STUDIES}/1.2.3"):
            answer = getattr(sender.client, method)(address, headers=sender.headers)
            assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD, POST")


def test_every_transfer_syntax_of_the_samples_is_kept_as_it_is(sender: Sender) -> None:
    names = ("CT_small.dcm", "JPEG2000.dcm", "SC_rgb_rle.dcm", "MR_small_bigendian.dcm", "rtplan.dcm", "image_dfl.dcm")
    for name in names:
        content = Path(str(pydicom.data.get_testdata_file(name, download=False))).read_bytes()
        answer = sender.objects(content)
        assert answer.status == 200, name
        stored = kept(answer.stored[0])
        assert stored == content
        assert part10.read_part10(io.BytesIO(stored)).meta == part10.read_part10(io.BytesIO(content)).meta


@pytest.fixture(autouse=True)
def _no_claims_left(_spool: None) -> Iterator[None]:
    yield
    for entry in ingest.spool().entries():
        claim = ingest.spool().claim(entry)
        assert claim is not None, "a claim was kept"
        claim.give_back()
