"""Taking images home: what lies in the zip, who gets it, what is on record, and what happens when something is in the way."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.db import DatabaseError
from django.http import StreamingHttpResponse
from django.test import Client
from pydicom import dcmread
from pydicom.dataset import Dataset

from accounts.actor import Actor
from accounts.audit import table
from accounts.audit.models import AuditEvent
from accounts.models import Department, User
from accounts.roles import Role
from imaging.storage.models import ObjectCopy
from imaging.studies.export import services as exports
from imaging.studies.models import InstanceVersion
from imaging.viewer import download_turns
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory
from tests.imaging.rendering.conftest import Pool
from tests.studies_in_archive import Archive, addresses

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(alice: User, client: Client) -> Client:
    """A browser in which Alice has signed in."""
    cache.clear()
    client.force_login(alice)
    return client


def a_study(count: int = 3, **changes: Any) -> list[Dataset]:
    """Slices of one series."""
    study, series = arrivals.uid(), arrivals.uid()
    return [
        arrivals.dataset(StudyInstanceUID=study, SeriesInstanceUID=series, InstanceNumber=number, **changes)
        for number in range(1, count + 1)
    ]


def got(answer: Any) -> bytes:
    """All that was sent; its length is what was announced."""
    body: bytes = answer.getvalue()
    assert len(body) == int(answer["Content-Length"])
    return body


def leave(answer: Any) -> None:
    """Close as the web server does when the connection is gone, without the signal that ends a test's transaction."""
    for closer in answer._resource_closers:
        closer()


def unzipped(body: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(body)) as found:
        assert found.testzip() is None
        assert {entry.compress_type for entry in found.infolist()} == {zipfile.ZIP_STORED}
        return {name: found.read(name) for name in found.namelist()}


def test_a_study_comes_as_a_zip_of_what_is_stored(archive: Archive, reader: Client) -> None:
    made = a_study()
    archive.receive(*made)
    answer: Any = reader.get(addresses(made[0]).all["study download"])
    assert answer.status_code == 200
    assert answer["Content-Disposition"] == 'attachment; filename="CT-20260304.zip"'
    files = unzipped(got(answer))
    assert list(files)[:2] == ["README.TXT", "DICOMDIR"]
    objects = [content for name, content in files.items() if name.startswith("DICOM/ST000001/SE000001/IM")]
    assert objects == [arrivals.encoded(one) for one in made]
    event = AuditEvent.objects.get(action="study.exported")
    assert (event.subject_uid, event.patient_id, event.outcome) == (made[0].StudyInstanceUID, "P1", "success")
    assert not AuditEvent.objects.filter(action="export.interrupted").exists()


@pytest.mark.filterwarnings("ignore:Invalid value for VR CS")
def test_names_say_nothing_of_what_is_inside(archive: Archive, reader: Client) -> None:
    made = a_study(1, Modality="../../CT", PatientName="Ge^heim", SeriesDescription="a/b", SeriesNumber=-7)
    archive.receive(*made)
    answer: Any = reader.get(addresses(made[0]).all["series download"])
    assert answer["Content-Disposition"] == 'attachment; filename="DICOM-20260304-7.zip"'
    others = {"README.TXT", "DICOMDIR", "index.html", "RECEIPT.TXT", "receipt.json"}
    assert set(unzipped(got(answer))) == {"DICOM/ST000001/SE000001/IM000001", *others}


def test_the_words_are_in_the_language_of_the_reader(archive: Archive, reader: Client, alice: User) -> None:
    made = a_study(1)
    archive.receive(*made)
    alice.language = "fr"
    alice.save()
    answer: Any = reader.get(addresses(made[0]).all["study download"])
    names = list(unzipped(got(answer)))
    assert names[0] in {"LISEZMOI.TXT", "README.TXT"}  # until the catalogue has it


def test_several_studies_come_as_one_zip_with_one_index(archive: Archive, reader: Client) -> None:
    first, second = a_study(2, PatientID="P1"), a_study(1, PatientID="P2", PatientName="Lévêque^Zoë")
    third = a_study(1, PatientID="P1")
    archive.receive(*first, *second, *third)
    uids = [made[0].StudyInstanceUID for made in (first, second, third)]
    answer: Any = reader.post("/studies/download", {"study": [*uids, uids[0]]})
    files = unzipped(got(answer))
    index = dcmread(io.BytesIO(files["DICOMDIR"]))
    kinds = [item.DirectoryRecordType for item in index.DirectoryRecordSequence]
    assert (kinds.count("PATIENT"), kinds.count("STUDY"), kinds.count("IMAGE")) == (2, 3, 4)
    assert AuditEvent.objects.filter(action="study.exported").count() == 3


def test_a_download_goes_on_where_it_broke_off(archive: Archive, reader: Client) -> None:
    made = a_study()
    archive.receive(*made)
    address = addresses(made[0]).all["study download"]
    whole: Any = reader.get(address)
    body = got(whole)
    rest: Any = reader.get(address, headers={"Range": "bytes=1000-", "If-Range": whole["ETag"]})
    assert rest.status_code == 206
    assert rest["Content-Range"] == f"bytes 1000-{len(body) - 1}/{len(body)}"
    assert got(rest) == body[1000:]
    part: Any = reader.get(address, headers={"Range": "bytes=10-99"})
    assert got(part) == body[10:100]
    last: Any = reader.get(address, headers={"Range": "bytes=-22"})
    assert got(last) == body[-22:]
    assert body[-22:].startswith(b"PK\5\6")
    for unread in ("bytes=9-3", "bytes=-", "bytes=0-1,5-6", "objects=1-2"):
        assert got(reader.get(address, headers={"Range": unread})) == body, unread
    other: Any = reader.get(address, headers={"Range": "bytes=1000-", "If-Range": '"another"'})
    assert other.status_code == 200
    assert got(other) == body
    beyond: Any = reader.get(address, headers={"Range": f"bytes={len(body)}-"})
    assert beyond.status_code == 416
    assert not AuditEvent.objects.filter(action="export.interrupted").exists()


def test_a_reader_who_leaves_is_on_record_and_frees_the_place(archive: Archive, reader: Client) -> None:
    made = a_study()
    archive.receive(*made)
    for _ in range(download_turns.MOST_OF_ONE + 2):
        answer: Any = reader.get(addresses(made[0]).all["study download"])
        assert isinstance(answer, StreamingHttpResponse)
        next(iter(answer.streaming_content))
        leave(answer)
    events = AuditEvent.objects.filter(action="export.interrupted")
    assert events.count() == download_turns.MOST_OF_ONE + 2
    event = events.first()
    assert event is not None
    assert event.detail["reason"] == "the reader left"
    assert 0 < event.detail["bytes"] < event.detail["of"]


def test_one_person_has_three_downloads_at_a_time(archive: Archive, reader: Client) -> None:
    made = a_study()
    archive.receive(*made)
    address = addresses(made[0]).all["study download"]
    held: list[Any] = [reader.get(address) for _ in range(download_turns.MOST_OF_ONE)]
    refused: Any = reader.get(address)
    assert refused.status_code == 429
    assert refused["Retry-After"]
    assert b"This one was not begun" in refused.content
    leave(held[0])
    again: Any = reader.get(address)
    assert again.status_code == 200
    for answer in (*held, again):
        leave(answer)


def test_a_download_that_stood_still_for_too_long_gives_back_no_place_of_another(alice: User) -> None:
    cache.clear()
    actor = Actor(kind="user", id=str(alice.pk), name="alice")
    still = download_turns.Turn(actor)
    cache.delete(f"download:user:{alice.pk}:0")  # its time was over
    others = [download_turns.Turn(actor) for _ in range(download_turns.MOST_OF_ONE)]
    still.release()
    with pytest.raises(download_turns.TooMany):
        download_turns.Turn(actor)
    for turn in others:
        turn.release()
    download_turns.Turn(actor).release()


def test_who_may_look_and_not_take_is_told_so(archive: Archive, client: Client, emergency: Department) -> None:
    made = a_study(1)
    archive.receive(*made)
    client.force_login(MembershipFactory.create(department=emergency, role=Role.TRAINEE).user)
    there = addresses(made[0]).all
    for name in ("study download", "series download", "image download"):
        answer: Any = client.get(there[name])
        assert answer.status_code == 403
        assert b"You can read this study but not download it" in answer.content
    assert client.post("/studies/download", {"study": made[0].StudyInstanceUID}).status_code == 403
    page: Any = client.get(there["page"])
    assert b"data-download" not in page.content
    assert b"You can read this study but not download it" in page.content
    assert not AuditEvent.objects.filter(action="study.exported").exists()


def test_nothing_of_a_choice_goes_out_when_one_of_it_may_not(
    archive: Archive, reader: Client, orthopaedics: Department
) -> None:
    mine, other = a_study(1), a_study(1)
    archive.receive(*mine)
    archive.receive(*other, department=orthopaedics)
    answer: Any = reader.post("/studies/download", {"study": [mine[0].StudyInstanceUID, other[0].StudyInstanceUID]})
    assert answer.status_code == 404
    assert not AuditEvent.objects.filter(action="study.exported").exists()


@pytest.mark.parametrize("chosen", [[], ["1.2.3"] * 1, ["../etc"], ["1.2." + str(n) for n in range(101)]])
def test_a_strange_choice_is_refused(chosen: list[str], archive: Archive, reader: Client) -> None:
    answer: Any = reader.post("/studies/download", {"study": chosen})
    assert answer.status_code in {400, 404}


def test_nothing_goes_out_that_cannot_be_put_on_record(
    archive: Archive, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = a_study(1)
    archive.receive(*made)

    def broken(*_args: Any, **_options: Any) -> None:
        raise DatabaseError("the table is full")

    monkeypatch.setattr(table, "write", broken)
    answer: Any = reader.get(addresses(made[0]).all["study download"])
    assert answer.status_code == 503
    assert b"cannot be written just now" in answer.content


def _path(made: Dataset) -> Path:
    content = InstanceVersion.objects.get(instance__sop_instance_uid=made.SOPInstanceUID).stored_object
    copy = ObjectCopy.objects.get(stored_object=content)
    return Path(django_settings.STORAGES[copy.tier]["OPTIONS"]["location"]) / copy.location


def test_what_is_lost_is_named_in_the_zip(archive: Archive, reader: Client) -> None:
    made = a_study()
    archive.receive(*made)
    _path(made[1]).unlink()
    answer: Any = reader.get(addresses(made[0]).all["study download"])
    files = unzipped(got(answer))
    assert made[1].SOPInstanceUID.encode() in files["MISSING.TXT"]
    assert b"see MISSING.TXT" in files["README.TXT"]
    assert sum(name.startswith("DICOM/") for name in files) == 2


def test_damage_on_the_way_ends_the_download_and_the_next_one_tells(archive: Archive, reader: Client) -> None:
    made = a_study(4)
    archive.receive(*made)
    path = _path(made[2])
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"\x7f")
    address = addresses(made[0]).all["study download"]
    answer: Any = reader.get(address)
    with pytest.raises(Exception, match=r".") as raised:
        answer.getvalue()
    leave(answer)
    assert type(raised.value).__name__ == "ObjectDamaged"
    event = AuditEvent.objects.get(action="export.interrupted")
    assert event.detail["reason"] == "ObjectDamaged"
    files = unzipped(got(reader.get(address)))
    assert made[2].SOPInstanceUID.encode() in files["MISSING.TXT"]


def test_damage_of_the_first_object_is_told_at_once(archive: Archive, reader: Client) -> None:
    made = a_study(2)
    archive.receive(*made)
    path = _path(made[0])
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"\x7f")
    files = unzipped(got(reader.get(addresses(made[0]).all["study download"])))
    assert made[0].SOPInstanceUID.encode() in files["MISSING.TXT"]


def test_what_is_withdrawn_meanwhile_ends_the_download(archive: Archive, reader: Client) -> None:
    made = a_study(130)
    archive.receive(*made)
    answer: Any = reader.get(addresses(made[0]).all["study download"])
    pieces = iter(answer.streaming_content)
    next(pieces)
    InstanceVersion.objects.filter(instance__sop_instance_uid=made[120].SOPInstanceUID).update(state="rejected")
    with pytest.raises(Exception, match="withdrawn"):
        for _piece in pieces:
            pass
    leave(answer)
    assert AuditEvent.objects.get(action="export.interrupted").detail["reason"] == "ExportChanged"


def test_what_is_withdrawn_before_the_first_byte_is_left_out(
    archive: Archive, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = a_study(3)
    archive.receive(*made)
    prepare = exports.prepare

    def withdrawn_then(*args: Any, **options: Any) -> exports.Export:
        export = prepare(*args, **options)
        InstanceVersion.objects.filter(instance__sop_instance_uid=made[0].SOPInstanceUID).update(state="rejected")
        return export

    monkeypatch.setattr(exports, "prepare", withdrawn_then)
    files = unzipped(got(reader.get(addresses(made[0]).all["study download"])))
    assert sum(name.startswith("DICOM/") for name in files) == 2


def test_what_arrives_meanwhile_changes_nothing(archive: Archive, reader: Client) -> None:
    made = a_study(3)
    archive.receive(*made[:2])
    answer: Any = reader.get(addresses(made[0]).all["study download"])
    pieces = iter(answer.streaming_content)
    body = next(pieces)
    archive.receive(made[2])
    body += b"".join(pieces)
    leave(answer)
    assert len(body) == int(answer["Content-Length"])
    assert sum(name.startswith("DICOM/") for name in unzipped(body)) == 2


def test_an_image_comes_as_the_reader_sees_it(archive: Archive, reader: Client, decoders: Pool) -> None:
    made = a_study(1)[0]
    archive.receive(made)
    address = addresses(made).all["image download"]
    png: Any = reader.get(address, {"as": "png", "window": "100,200"})
    assert png.status_code == 200, png.content
    assert png.content.startswith(b"\x89PNG")
    assert png["Content-Disposition"] == 'attachment; filename="CT-20260304-1-1.png"'
    jpeg: Any = reader.get(address)
    assert jpeg.content.startswith(b"\xff\xd8")
    exported = AuditEvent.objects.filter(action="study.exported")
    assert exported.count() == 2
    for wrong in ({"as": "exe"}, {"window": "1"}, {"window": "nan,2"}):
        assert reader.get(address, wrong).status_code == 404
    assert exported.count() == 2, "what was never asked for rightly is no export"
    for wrong in ({"as": "exe"}, {"frame": "0"}, {"frame": "9"}, {"frame": "x"}, {"window": "1"}, {"window": "nan,2"}):
        assert reader.get(address, wrong).status_code == 404, wrong


def test_words_stand_below_an_image_only_when_asked_for(archive: Archive, reader: Client, decoders: Pool) -> None:
    made = a_study(1, Rows=64, Columns=96, PixelData=bytes(64 * 96 * 2))[0]
    archive.receive(made)
    address = addresses(made).all["image download"]
    import PIL.Image

    plain = PIL.Image.open(io.BytesIO(reader.get(address, {"as": "png"}).content))
    told = PIL.Image.open(io.BytesIO(reader.get(address, {"as": "png", "words": "1"}).content))
    assert (plain.size, told.width) == ((96, 64), 96)
    assert told.height > 64
    assert told.crop((0, 64, 96, told.height)).getextrema() != ((0, 0),) * 3
