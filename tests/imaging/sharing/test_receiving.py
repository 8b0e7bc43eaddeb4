"""Images that come back by a link: sent by tus, waiting in the department's inbox, and nowhere else before a person decided."""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.audit.models import AuditEvent
from accounts.models import Department, User
from accounts.notifications.models import Notification
from accounts.roles import Role
from imaging.ingest.imports import decisions, inbox
from imaging.ingest.imports.decisions import NotOpen, NotYours
from imaging.ingest.imports.importer import Importer
from imaging.ingest.models import Import, ImportedFile
from imaging.ingest.uploads import staging
from imaging.sharing.making import services
from imaging.sharing.models import Share, ShareEvent, SharePolicy
from imaging.sharing.models.choices import Factor
from imaging.sharing.tending import tend
from imaging.studies.models import Instance, Patient, Study
from tests import memories
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.imaging.ingest.imports.deliveries import actor_of, confirmed
from tests.imaging.ingest.uploads.conftest import OCTETS, VERSION, encoded
from tests.shared_links import Made, Sharing, open_link

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nobody_tried_before() -> None:
    """Tries of an address are counted for all shares."""
    memories.forget()


@pytest.fixture(autouse=True)
def uploads(data_dir: Path, settings: Any) -> Path:
    """The folder of uploads of this test."""
    settings.UPLOAD_DIR = data_dir / "uploads"
    settings.SPOOL_RESERVE = lambda _total: 0
    return data_dir / "uploads"


@dataclass
class Guest:
    """A browser outside that opened a share, and sends by tus as its page's script does."""

    client: Client
    made: Made

    @property
    def base(self) -> str:
        return f"/s/{self.made.share.key}/upload/"

    def begin(self, title: str = "CD") -> str:
        answer = self.client.post(f"{self.base}begin", {"title": title})
        assert answer.status_code == 201, answer.content
        return str(answer.json()["import"])

    def create(self, delivery: str, body: bytes | None, length: int | None = None, *, name: str = "a.dcm") -> Any:
        said = encoded(**{"import": delivery}, relativePath=name)
        size = length if length is not None else len(body or b"")
        return self.client.generic(
            "POST", f"{self.base}tus/", body or b"", content_type=OCTETS if body is not None else "",
            headers={**VERSION, "Upload-Length": str(size), "Upload-Metadata": said},
        )  # fmt: skip

    def patch(self, address: str, offset: int | str, body: bytes) -> Any:
        asked = {**VERSION, "Upload-Offset": str(offset)}
        return self.client.generic("PATCH", address, body, content_type=OCTETS, headers=asked)

    def finish(self, delivery: str, files: int = 1) -> Any:
        return self.client.post(f"{self.base}{delivery}/received", {"files": str(files)})

    def sends(self, *bodies: bytes) -> Import:
        """Send files whole, and have them read."""
        delivery = self.begin()
        for number, body in enumerate(bodies):
            assert self.create(delivery, body, name=f"disc/{number}.dcm").status_code == 201
        assert self.finish(delivery, len(bodies)).status_code == 200
        Importer().work()
        return Import.objects.get(pk=delivery)


def file_of(**changes: Any) -> bytes:
    """A DICOM file of a study of its own."""
    return arrivals.encoded(arrivals.dataset(**changes))


Guests = Callable[..., Guest]


@pytest.fixture
def guest(sharing: Sharing, chest: Study, share_policy: Callable[..., SharePolicy]) -> Guests:
    """Browsers outside: `guest()` opens a new share that lets images be sent back, `guest(made)` one that is there."""

    def opened(made: Made | None = None, **changes: Any) -> Guest:
        if not SharePolicy.objects.exists():
            share_policy(may_upload=True, factor_required=False)
        made = made or sharing(chest, **{"factor": Factor.NONE, "may_upload": True, **changes})
        client = Client()
        assert open_link(client, made).status_code == 303
        return Guest(client, made)

    return opened


def revoked(made: Made) -> None:
    user = made.share.created_by
    services.revoke(made.share, words="enough", user=user, actor=actor_of(user))


# ---- the whole path --------------------------------------------------------------------------------------------------


def test_what_is_sent_in_pieces_waits_for_a_person_and_comes_in_as_that_person_said(
    guest: Guests, alice: User, chest: Study
) -> None:
    sender, content = guest(), file_of(PatientID="X77", PatientName="Other^Anna", StudyDescription="MR outside")
    page = sender.client.get(f"/s/{sender.made.share.key}/").content.decode()
    assert f'href="{sender.base}"' in page
    delivery = sender.begin()
    address = sender.create(delivery, None, len(content))["Location"]
    assert address.startswith(f"{sender.base}tus/")
    half = len(content) // 2
    assert sender.patch(address, 0, content[:half]).status_code == 204
    assert sender.client.head(address, headers=VERSION)["Upload-Offset"] == str(half)
    assert sender.finish(delivery).status_code == 409
    assert sender.patch(address, half, content[half:]).status_code == 204
    assert sender.finish(delivery).json() == {"next": sender.base}
    Importer().work()

    waiting = Import.objects.get(pk=delivery)
    assert (waiting.state, waiting.owner, waiting.sender_name) == (
        Import.State.WAITING,
        None,
        f"Dr Paul Mercier ({sender.made.share.key})",
    )
    assert Study.objects.count() == 1
    assert "1 image arrived" in sender.client.get(sender.base).content.decode()

    desk = Client()
    desk.force_login(alice)
    shown = desk.get("/import/inbox/").content.decode()
    assert "Dr Paul Mercier" in shown
    assert "Anna" not in shown
    assert desk.post(f"/import/inbox/{delivery}/take")["Location"] == f"/import/{delivery}/"
    assert "Anna" in desk.get(f"/import/{delivery}/").content.decode()
    confirmed(Import.objects.get(pk=delivery))
    Importer().work()

    study = Study.objects.exclude(pk=chest.pk).get()
    assert (study.patient.patient_id, study.description) == ("X77", "MR outside")
    assert "dealt with it" in sender.client.get(sender.base).content.decode()


def test_every_step_is_on_record(guest: Guests, alice: User) -> None:
    delivery = guest().sends(file_of(PatientID="X77"))
    inbox.take(actor=actor_of(alice), user=alice, delivery_id=delivery.pk)
    told = AuditEvent.objects.filter(subject_type="import", subject_uid=str(delivery.pk)).order_by("pk")
    assert list(told.values_list("action", "actor_kind")) == [
        ("import.begun", "share"), ("import.received", "share"), ("import.taken", "user"),
    ]  # fmt: skip
    assert ShareEvent.objects.filter(kind=ShareEvent.Kind.SENT_BACK).count() == 1


def test_what_is_refused_is_told_with_its_reason_and_nothing_of_the_archive(guest: Guests) -> None:
    sender = guest()
    sender.sends(file_of(PatientID="X77"), b"MZ" + bytes(300))
    page = sender.client.get(sender.base).content.decode()
    assert "1 image arrived" in page
    assert "disc/1.dcm" in page
    assert "1 file was not taken" in page


def test_what_holds_no_image_says_so_and_waits_for_nobody(guest: Guests) -> None:
    sender = guest()
    delivery = sender.sends(b"just words")
    assert delivery.state == Import.State.FAILED
    assert not staging.folder_of(delivery.pk).exists()
    assert "no DICOM image" in sender.client.get(sender.base).content.decode()


def test_more_of_a_study_that_is_here_waits_as_everything_else(guest: Guests, alice: User, chest: Study) -> None:
    more = file_of(
        StudyInstanceUID=chest.study_instance_uid, PatientID=chest.patient.patient_id, PatientName="Durand^Jeanne"
    )
    delivery = guest().sends(more)
    assert Instance.objects.count() == 1
    inbox.take(actor=actor_of(alice), user=alice, delivery_id=delivery.pk)
    assert Instance.objects.count() == 1
    assert Patient.objects.count() == 1


# ---- the inbox -------------------------------------------------------------------------------------------------------


def test_the_department_is_told_without_a_word_about_the_patient(guest: Guests, alice: User) -> None:
    guest().sends(file_of(PatientID="X77", PatientName="Other^Anna"))
    told = Notification.objects.get(user=alice, kind="ingest.sent_from_outside")
    assert not re.search("Anna|X77", str(told.params) + told.path)


def test_only_the_department_finds_it_and_only_one_takes_it(
    guest: Guests, alice: User, bob: User, emergency: Department
) -> None:
    delivery = guest().sends(file_of(PatientID="X77"))
    colleague = UserFactory.create()
    MembershipFactory.create(user=colleague, department=emergency, role=Role.CLINICIAN)
    with pytest.raises(NotYours):
        inbox.take(actor=actor_of(bob), user=bob, delivery_id=delivery.pk)
    inbox.take(actor=actor_of(alice), user=alice, delivery_id=delivery.pk)
    with pytest.raises(NotOpen):
        inbox.take(actor=actor_of(colleague), user=colleague, delivery_id=delivery.pk)
    inbox.put_back(actor=actor_of(alice), user=alice, delivery_id=delivery.pk)
    inbox.take(actor=actor_of(colleague), user=colleague, delivery_id=delivery.pk)
    decisions.discard(actor=actor_of(colleague), user=colleague, delivery_id=delivery.pk)
    assert not staging.folder_of(delivery.pk).exists()
    assert Study.objects.count() == 1


# ---- what is not allowed ---------------------------------------------------------------------------------------------


def test_without_leave_to_send_back_there_is_nothing(guest: Guests) -> None:
    sender = guest(may_upload=False)
    assert "upload/" not in sender.client.get(f"/s/{sender.made.share.key}/").content.decode()
    assert sender.client.get(sender.base).status_code == 404
    assert sender.client.post(f"{sender.base}begin").status_code == 404
    assert Import.objects.count() == 0


def test_a_department_that_takes_nothing_back_any_more_closes_every_share(guest: Guests) -> None:
    sender = guest()
    SharePolicy.objects.update(may_upload=False)
    assert sender.client.get(sender.base).status_code == 404


def test_one_visitor_never_meets_the_uploads_of_another(guest: Guests) -> None:
    first = guest()
    delivery = first.begin("A CD of mine")
    address = first.create(delivery, b"DICM", 10)["Location"]
    same_share, other_share = guest(first.made), guest()
    for other in (same_share, other_share):
        theirs = address.replace(first.base, other.base)
        assert other.client.head(theirs, headers=VERSION).status_code == 404
        assert other.patch(theirs, 4, b"tail").status_code == 404
        assert other.client.delete(theirs, headers=VERSION).status_code == 404
        assert other.create(delivery, b"DICM").status_code == 404
        assert other.client.get(f"{other.base}{delivery}/files").status_code == 404
        assert other.finish(delivery).status_code == 404
        assert other.client.post(f"{other.base}{delivery}/cancelled").status_code == 404
        assert "A CD of mine" not in other.client.get(other.base).content.decode()
    assert first.client.head(address, headers=VERSION)["Upload-Offset"] == "4"


def test_a_person_of_the_house_never_meets_it_at_the_portals_own_door(guest: Guests, alice: User) -> None:
    sender = guest()
    delivery = sender.begin()
    address = sender.create(delivery, b"DICM", 10)["Location"]
    house = Client()
    house.force_login(alice)
    assert house.head(f"/import/tus/{address.rsplit('/', 1)[1]}", headers=VERSION).status_code == 404
    assert house.get(f"/import/{delivery}/").status_code == 404
    assert house.post(f"/import/inbox/{delivery}/take").status_code in {302, 404}
    assert Import.objects.get().owner is None


@pytest.mark.parametrize("rules", [{"most_upload_files": 1}, {"most_upload_megabytes": 1}])
def test_a_link_takes_no_more_than_the_department_allows_over_all_its_visits(
    guest: Guests, rules: dict[str, int]
) -> None:
    first = guest()
    SharePolicy.objects.update(**rules)
    delivery = first.begin()
    assert first.create(delivery, None, 600_000).status_code == 201
    second = guest(first.made)
    answer = second.create(second.begin(), None, 600_000)
    assert answer.status_code == 413
    assert ImportedFile.objects.count() == 1


# ---- hostile input ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "C:\\..\\..\\boot.ini", "n" * 5000, "\u202egnp.exe", "a\x00b", ""]
)
def test_a_name_is_shown_and_never_opened(guest: Guests, uploads: Path, name: str) -> None:
    sender = guest()
    delivery = sender.begin("<script>" * 100)
    assert sender.create(delivery, b"DICM", name=name).status_code == 201
    row = ImportedFile.objects.get()
    assert ".." not in row.path.split("/")
    assert len(row.path) <= 500
    assert [path.name for path in (uploads / delivery).iterdir()] == [str(row.pk)]
    assert "<script><script>" not in sender.client.get(sender.base).content.decode()


@pytest.mark.parametrize("length", ["-1", "x", "9" * 30, "", "1e3"])
def test_a_length_that_is_none_is_refused(guest: Guests, length: str) -> None:
    sender = guest()
    said = encoded(**{"import": sender.begin()}, filename="a")
    asked = {**VERSION, "Upload-Length": length, "Upload-Metadata": said}
    assert sender.client.generic("POST", f"{sender.base}tus/", headers=asked).status_code == 400
    assert ImportedFile.objects.count() == 0


def test_a_piece_beyond_the_announced_length_is_refused(guest: Guests) -> None:
    sender = guest()
    address = sender.create(sender.begin(), b"DICM", 10)["Location"]
    assert sender.patch(address, 4, b"1234567").status_code == 413
    assert sender.patch(address, 3, b"1").status_code == 409
    assert sender.client.head(address, headers=VERSION)["Upload-Offset"] == "4"


def test_an_import_that_never_was_is_absent(guest: Guests) -> None:
    sender = guest()
    assert sender.create(str(uuid4()), b"DICM").status_code == 404
    assert sender.finish(str(uuid4())).status_code == 404
    assert sender.patch(f"{sender.base}tus/{uuid4()}", 0, b"x").status_code == 404


# ---- the end ---------------------------------------------------------------------------------------------------------


def test_a_revoked_share_takes_nothing_more_and_keeps_nothing_half(guest: Guests) -> None:
    sender = guest()
    delivery = sender.begin()
    address = sender.create(delivery, b"DICM", 10)["Location"]
    revoked(sender.made)
    assert sender.patch(address, 4, b"tail").status_code == 404
    assert sender.finish(delivery).status_code == 404
    tend()
    assert Import.objects.get().state == Import.State.CANCELLED
    assert not staging.folder_of(Import.objects.get().pk).exists()
    assert ImportedFile.objects.count() == 0


class _Revoking(io.BytesIO):
    """A body in whose middle the share is revoked, and the clock of the question moved on."""

    def __init__(self, made: Made, clock: "_Clock") -> None:
        super().__init__()
        self._made, self._clock, self.given = made, clock, 0

    def read(self, size: int | None = -1, /) -> bytes:
        size = size or 0
        if self.given == 2 * 64 * 1024:
            revoked(self._made)
            self._clock.now += 1.0
        self.given += size
        return bytes(size)


class _Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


def test_a_share_that_is_revoked_in_the_middle_of_a_body_ends_it_there(
    guest: Guests, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender, clock = guest(), _Clock()
    monkeypatch.setattr("imaging.ingest.uploads.wire.time", clock)
    delivery = sender.begin()
    address = sender.create(delivery, None, 50_000_000)["Location"]
    body = _Revoking(sender.made, clock)
    asked = {f"HTTP_{name.upper().replace('-', '_')}": text for name, text in VERSION.items()}
    answer = sender.client.request(
        REQUEST_METHOD="PATCH", PATH_INFO=address, CONTENT_TYPE=OCTETS, CONTENT_LENGTH="50000000",
        HTTP_UPLOAD_OFFSET="0", **asked, **{"wsgi.input": body},
    )  # fmt: skip
    assert answer.status_code == 410
    assert body.given <= 4 * 64 * 1024
    assert Import.objects.get().state == Import.State.CANCELLED
    assert not staging.folder_of(Import.objects.get().pk).exists()


def test_what_had_come_whole_before_the_end_still_waits(guest: Guests) -> None:
    sender = guest()
    delivery = sender.sends(file_of(PatientID="X77"))
    revoked(sender.made)
    tend()
    delivery.refresh_from_db()
    assert delivery.state == Import.State.WAITING
    assert Share.objects.get().state == Share.State.REVOKED
