"""Adding photos and documents: into studies that are mine, never into others', with the truth about each file."""

import datetime as dt
import io
import logging
import re
from pathlib import Path
from typing import Any

import pydicom
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.audit.actions import Action
from accounts.audit.models import AuditEvent
from accounts.models import Department, User
from accounts.roles import Role
from imaging.ingest.models import QuarantinedObject
from imaging.storage import services as storage
from imaging.studies.models import InstanceVersion, Patient, Series, Study
from imaging.viewer import wrapping_material
from imaging.viewer.wrapping_words import REFUSALS
from tests.factories import arrivals, material
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.imaging.rendering.conftest import Pool
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db(transaction=True)

WRAP = "/import/wrap/"


@pytest.fixture(autouse=True)
def _uploads(data_dir: Path, settings: Any) -> None:
    settings.UPLOAD_DIR = data_dir / "uploads"


@pytest.fixture
def study(archive: Archive) -> str:
    """A study of emergency."""
    made = arrivals.dataset(PatientName="Durand^Hélène", StudyDescription="Hand", ReferringPhysicianName="Roux^Anne")
    archive.receive(made)
    return str(made.StudyInstanceUID)


def upload(name: str, content: bytes, kind: str = "application/octet-stream") -> SimpleUploadedFile:
    """A file of a form."""
    return SimpleUploadedFile(name, content, kind)


def add(client: Client, address: str, *files: SimpleUploadedFile, scripted: bool = True, **said: Any) -> Any:
    """Send the form with these files."""
    values = {"origin": "photo", "sound": "on", **said}
    headers = {"HX-Request": "true"} if scripted else {}
    return client.post(address, {**values, "files": list(files)}, headers=headers)


def added() -> list[tuple[InstanceVersion, Any]]:
    """What came in by upload, with the data set of each."""
    found = []
    for version in InstanceVersion.objects.filter(door="upload").select_related("stored_object").order_by("pk"):
        with storage.open(version.stored_object) as file:
            found.append((version, pydicom.dcmread(io.BytesIO(file.read()))))
    return found


def words(answer: Any) -> str:
    """The text of an answer."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_a_photo_joins_the_study_as_the_archive_knows_it(
    study: str, alice: User, client: Client, decoders: Pool
) -> None:
    client.force_login(alice)
    page = client.get(f"{WRAP}?study={study}")
    assert page.status_code == 200
    assert "Durand" in page.content.decode().title()
    answer = add(
        client,
        f"{WRAP}?study={study}",
        upload("IMG_0001.jpg", material.phone_photo()),
        description="Wound",
        body_part="HAND",
        laterality="L",
        taken_at="2026-03-04T09:30",
        anonymous="on",
    )
    assert answer.status_code == 200
    assert "Added to the study." in words(answer)
    assert "Position, device" in words(answer)
    ((version, made),) = added()
    assert (made.StudyInstanceUID, made.PatientName, made.PatientID) == (study, "Durand^Hélène", "P1")
    assert (made.AccessionNumber, made.StudyID, made.StudyDescription) == ("A100", "S1", "Hand")
    assert made.ReferringPhysicianName == "Roux^Anne"
    assert (made.StudyDate, made.StudyTime) == ("20260304", "101500")
    assert (made.Modality, made.SeriesDescription, made.Laterality) == ("XC", "Wound", "L")
    assert made.AcquisitionDateTime == "20260304093000+0100"
    assert made.BurnedInAnnotation == "NO"
    assert (version.sender, version.door) == ("alice", "upload")
    row = Study.objects.get()
    assert set(row.modalities) == {"CT", "XC"}
    assert row.instance_count == 2
    assert Series.objects.get(modality="XC").series_number >= 9001
    event = AuditEvent.objects.get(action=Action.FILE_WRAPPED)
    assert (event.actor_name, event.subject_uid, event.patient_id) == ("alice", study, "P1")
    assert len(event.detail["file_sha256"]) == 64
    assert "IMG_0001" not in str(event.detail)


def test_files_of_all_kinds_get_a_word_each(study: str, alice: User, client: Client, decoders: Pool) -> None:
    client.force_login(alice)
    answer = add(
        client,
        f"{WRAP}?study={study}",
        upload("a.jpg", material.phone_photo()),
        upload("b.jpg", material.phone_photo(orientation=6)),
        upload("letter.pdf", material.pdf()),
        upload("letter.xml", material.cda()),
        upload("gait.mp4", material.video(sound=True)),
        upload("scripted.pdf", material.scripted_pdf()),
        upload("cut.jpg", material.phone_photo()[:-300]),
        upload("virus.exe", b"MZ\x90\0" + bytes(200)),
        upload("page.html", b"<html><script>alert(1)</script>"),
        upload("list.xml", b"<?xml version='1.0'?><list/>"),
        upload("photo.heic", b"\0\0\0\x18ftypheic" + bytes(100)),
        upload("nothing.jpg", b""),
        upload("ct.dcm", arrivals.encoded(arrivals.dataset())),
    )
    said = words(answer)
    assert answer.status_code == 200
    assert said.count("Added to the study.") == 6
    for sentence in (
        "scripts in it",
        "cut short",
        "cannot be added",
        "HEIC",
        "is empty",
        "no CDA document",
        "DICOM file",
    ):
        assert sentence in said, sentence
    made = [dataset for _version, dataset in added()]
    # One series for each modality, numbered within it.
    assert len({one.SeriesInstanceUID for one in made}) == 2
    places = sorted((one.Modality, int(one.InstanceNumber)) for one in made)
    assert places == [("DOC", 1), ("DOC", 2), ("DOC", 3), ("XC", 1), ("XC", 2), ("XC", 3)]


def test_a_scanned_film_keeps_its_depth_and_gets_its_scale(
    study: str, alice: User, client: Client, decoders: Pool
) -> None:
    client.force_login(alice)
    scan = upload("film.tif", material.file(material.greys(), "TIFF"))
    assert add(client, f"{WRAP}?study={study}", scan, origin="film", dpi="254").status_code == 200
    ((_version, made),) = added()
    assert (made.BitsStored, made.ConversionType, made.Modality) == (16, "DF", "RG")
    assert [float(value) for value in made.NominalScannedPixelSpacing] == [0.1, 0.1]


def test_a_new_study_of_a_patient_whom_the_archive_knows(
    study: str, alice: User, emergency: Department, client: Client, decoders: Pool
) -> None:
    client.force_login(alice)
    answer = add(
        client,
        f"{WRAP}?like={study}",
        upload("letter.pdf", material.pdf()),
        study_description="Letter from outside",
        study_date="1998-07-12",
        department=str(emergency.pk),
    )
    assert answer.status_code == 200, words(answer)
    ((_version, made),) = added()
    assert made.StudyInstanceUID != study
    assert made.PatientID == "P1"
    assert (made.StudyDate, made.StudyTime) == ("19980712", "")
    assert Patient.objects.count() == 1
    row = Study.objects.get(study_instance_uid=made.StudyInstanceUID)
    (placement,) = row.placements.all()
    assert placement.department == emergency
    assert f"/studies/{made.StudyInstanceUID}/" in answer.content.decode()


NEW = {
    "family_name": "Martin",
    "given_name": "Zoé^x=y\\z",
    "patient_id": "N77",
    "birth_date": "1980-02-03",
    "sex": "F",
    "study_description": "Photo",
    "study_date": dt.date(2026, 1, 5).isoformat(),
}


def test_a_new_patient_is_typed_and_confirmed(
    alice: User, emergency: Department, client: Client, decoders: Pool
) -> None:
    client.force_login(alice)
    assert client.get(f"{WRAP}?new=1").status_code == 200
    photo = upload("a.jpg", material.phone_photo())
    unsure = add(client, f"{WRAP}?new=1", photo, **NEW, department=str(emergency.pk))
    assert unsure.status_code == 422
    assert not added()
    photo = upload("a.jpg", material.phone_photo())
    answer = add(client, f"{WRAP}?new=1", photo, **NEW, department=str(emergency.pk), confirmed="on")
    assert answer.status_code == 200, words(answer)
    patient = Patient.objects.get()
    assert (patient.patient_id, patient.issuer_of_patient_id) == ("N77", emergency.site.issuer_of_patient_id)
    assert patient.patient_name == "Martin^Zoé x y z"


def test_a_typed_patient_who_has_another_s_number_is_set_aside_in_neutral_words(
    alice: User, emergency: Department, archive: Archive, client: Client, decoders: Pool
) -> None:
    known = arrivals.dataset(PatientID="N77", PatientName="Someone^Else", PatientBirthDate="19440101", PatientSex="M")
    archive.receive(known)
    client.force_login(alice)
    photo = upload("a.jpg", material.phone_photo())
    answer = add(client, f"{WRAP}?new=1", photo, **NEW, department=str(emergency.pk), confirmed="on")
    assert "set aside for a check" in words(answer)
    assert "Someone" not in words(answer)
    assert "/studies/" not in words(answer)
    assert QuarantinedObject.objects.count() == 1
    assert not added()


def test_somebody_else_s_study_does_not_exist(study: str, bob: User, client: Client, decoders: Pool) -> None:
    client.force_login(bob)
    for which in ("study", "like"):
        for uid in (study, "1.2.3.4", "no uid\x00"):
            assert client.get(WRAP, {which: uid}).status_code == 404
            assert add(client, f"{WRAP}?{which}={uid.strip(chr(0))}", upload("a.jpg", b"x")).status_code == 404
    assert not added()


def test_who_may_not_upload_is_told_so_whatever_the_study(
    study: str, charlie: User, emergency: Department, client: Client
) -> None:
    trainee = UserFactory.create(username="tina")
    MembershipFactory.create(user=trainee, department=emergency, role=Role.TRAINEE)
    for person in (trainee, charlie):
        client.force_login(person)
        for address in (WRAP, f"{WRAP}?study={study}", f"{WRAP}?study=1.2.3"):
            assert client.get(address).status_code == 403
            assert client.post(address).status_code == 403
        assert client.post(f"{WRAP}find", {"words": "Durand"}).status_code == 403
    client.force_login(trainee)
    assert "Add photo or document" not in client.get(f"/studies/{study}/").content.decode()


def test_who_sees_a_study_in_one_department_and_may_upload_in_another_cannot_add_to_it(
    study: str, bob: User, emergency: Department, client: Client
) -> None:
    MembershipFactory.create(user=bob, department=emergency, role=Role.TRAINEE)
    client.force_login(bob)
    assert client.get(f"/studies/{study}/").status_code == 200
    assert client.get(f"{WRAP}?study={study}").status_code == 403
    assert client.post(f"{WRAP}?study={study}").status_code == 403


def test_a_department_of_others_cannot_be_chosen(
    study: str, alice: User, orthopaedics: Department, client: Client, decoders: Pool
) -> None:
    client.force_login(alice)
    photo = upload("a.jpg", material.phone_photo())
    answer = add(
        client,
        f"{WRAP}?like={study}",
        photo,
        study_description="x",
        study_date="2026-01-01",
        department=orthopaedics.pk,
    )
    assert answer.status_code == 422
    assert not added()


def test_nobody_comes_in_without_signing_in_or_without_the_form_s_token(study: str, alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    for address in (f"{WRAP}?study={study}", f"{WRAP}find"):
        assert client.post(address).status_code in {302, 403}
    client.force_login(alice)
    for address in (f"{WRAP}?study={study}", f"{WRAP}find"):
        assert client.post(address, {"files": upload("a.jpg", material.phone_photo())}).status_code == 403
    assert not added()
    page = client.get(f"{WRAP}?study={study}").content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token
    answer = client.post(f"{WRAP}?study={study}", {"csrfmiddlewaretoken": token[1], "origin": "photo"})
    assert answer.status_code == 422


def test_people_are_found_within_their_scope_and_the_words_stay_out_of_the_address(
    study: str, alice: User, bob: User, client: Client
) -> None:
    client.force_login(alice)
    assert client.get(f"{WRAP}find").status_code == 405
    found = client.post(f"{WRAP}find", {"words": "durand"}).content.decode()
    assert f"?study={study}" in found
    assert f"?like={study}" in found
    client.force_login(bob)
    assert study not in client.post(f"{WRAP}find", {"words": "durand"}).content.decode()


def test_hostile_names_and_titles_are_only_text(study: str, alice: User, client: Client, decoders: Pool) -> None:
    client.force_login(alice)
    bad = '"><img src=x onerror=alert(1)>{{7*7}}'
    answer = add(
        client,
        f"{WRAP}?study={study}",
        upload(f"../../etc/{bad}.jpg", material.phone_photo()),
        upload(f"{bad}\u202egpj.exe", b"MZ"),
        description=bad,
    )
    text = answer.content.decode()
    assert "<img" not in text
    assert "&lt;img" in text
    assert "../" not in text
    assert "\u202e" not in text
    assert "<img" not in client.get(f"/studies/{study}/").content.decode()
    wrong = add(client, f"{WRAP}?study={study}", upload("a.jpg", b"x"), description=bad * 9, origin="<script>")
    assert wrong.status_code == 422
    assert "<script>" not in wrong.content.decode()


def test_what_is_too_large_is_refused_in_words(
    study: str, alice: User, client: Client, monkeypatch: pytest.MonkeyPatch, decoders: Pool
) -> None:
    client.force_login(alice)
    monkeypatch.setitem(wrapping_material.LARGEST, "picture", 500)
    answer = add(client, f"{WRAP}?study={study}", upload("a.jpg", material.phone_photo()))
    assert "at most 200 MB" in words(answer)
    assert answer.status_code == 422
    monkeypatch.setattr("imaging.viewer.wrapping_upload.LARGEST_FORM", 100)
    assert "too large" in words(add(client, f"{WRAP}?study={study}", upload("a.jpg", material.phone_photo())))
    monkeypatch.setattr("imaging.viewer.wrapping.LARGEST_FORM", 100)
    assert add(client, f"{WRAP}?study={study}", upload("a.jpg", material.phone_photo())).status_code == 413
    monkeypatch.undo()
    many = [upload(f"{number}.jpg", b"x") for number in range(31)]
    assert "more than 30" in words(add(client, f"{WRAP}?study={study}", *many))
    assert not added()


def test_without_decoders_the_portal_says_so_and_loses_nothing(
    study: str, alice: User, client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DECODER_SOCKET = Path("/nonexistent/pool.sock")
    monkeypatch.setattr("imaging.rendering.media.client.PATIENCE", 0.2)
    client.force_login(alice)
    assert "Try again in a minute" in words(
        add(client, f"{WRAP}?study={study}", upload("a.jpg", material.phone_photo()))
    )


def test_a_full_disk_refuses_in_words(study: str, alice: User, client: Client, settings: Any, decoders: Pool) -> None:
    settings.SPOOL_RESERVE = lambda total: total
    client.force_login(alice)
    answer = add(client, f"{WRAP}?study={study}", upload("a.jpg", material.phone_photo()))
    assert "nearly full" in words(answer)
    assert not added()


def test_without_scripts_the_form_answers_with_a_page(study: str, alice: User, client: Client, decoders: Pool) -> None:
    client.force_login(alice)
    answer = add(client, f"{WRAP}?study={study}", upload("a.jpg", material.phone_photo()), scripted=False)
    assert answer.status_code == 200
    assert b"<html" in answer.content
    assert b"Added to the study." in answer.content
    none = add(client, f"{WRAP}?study={study}", scripted=False)
    assert none.status_code == 422
    assert b"<html" in none.content


def test_every_refusal_of_the_makers_has_its_sentence() -> None:
    sources = [*Path("imaging/rendering/media").glob("*.py"), *Path("imaging/dicom/wrapping").glob("*.py")]
    found = {code for path in sources for code in re.findall(r'code="([a-z_]+)"', path.read_text())}
    assert found <= set(REFUSALS)


def test_no_name_of_a_patient_or_file_is_logged(
    study: str, alice: User, client: Client, decoders: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    client.force_login(alice)
    with caplog.at_level(logging.DEBUG):
        add(client, f"{WRAP}?study={study}", upload("Durand.jpg", material.phone_photo()[:-99]))
    assert "Durand" not in caplog.text
