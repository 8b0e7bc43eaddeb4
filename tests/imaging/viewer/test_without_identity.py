"""Downloads without identity: what lies in the zip, what does not, who gets it, and what is on record."""

import datetime as dt
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.cache import cache
from django.test import Client
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.fileset import FileSet
from pydicom.uid import (
    EncapsulatedPDFStorage,
    UltrasoundImageStorage,
)

from accounts.actor import Actor
from accounts.audit.models import AuditEvent
from accounts.models import User
from accounts.roles import Right
from accounts.scope import Scope
from imaging.dicom import part10
from imaging.dicom.deidentification.identifiers import Identifiers, remaining
from imaging.dicom.deidentification.profile import Profile
from imaging.studies.export import cleaning as cleanings
from imaging.studies.export import services as exports
from imaging.studies.export import without_identity
from imaging.studies.export.receipts import Handed
from imaging.studies.export.without_identity import Cleaning
from tests.factories import arrivals
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db

#: What the source says of its patient, its people and its days.
TOLD = (
    "Durand",
    "Hélène",
    "HOSP-4711",
    "ACC-2026-55",
    "19700102",
    "20260304",
    "Kowalczyk",
    "Żaneta",
    "bilan de Mme Durand",
    "Clinique des Tilleuls",
)


@pytest.fixture(autouse=True)
def _no_places_taken() -> None:
    cache.clear()


@pytest.fixture
def reader(alice: User, client: Client) -> Client:
    """A browser in which Alice has signed in."""
    client.force_login(alice)
    return client


def slices(count: int = 3, **changes: Any) -> list[Dataset]:
    """Slices of one series, of a patient whom everything about them names."""
    study, series = arrivals.uid(), arrivals.uid()
    named = {
        "PatientID": "HOSP-4711",
        "AccessionNumber": "ACC-2026-55",
        "ReferringPhysicianName": "Kowalczyk^Żaneta",
        "StudyDescription": "bilan de Mme Durand",
        "InstitutionName": "Clinique des Tilleuls",
        "StudyInstanceUID": study,
        "SeriesInstanceUID": series,
    }
    return [arrivals.dataset(**{**named, "InstanceNumber": number, **changes}) for number in range(1, count + 1)]


def ultrasound(of: Dataset) -> Dataset:
    """An image of the same study, of a kind that often has names in its pixels."""
    return beside(of, SOPClassUID=UltrasoundImageStorage, Modality="US", SeriesNumber=2)


def document(of: Dataset) -> Dataset:
    """A PDF of the same study."""
    pixels = dict.fromkeys(
        ("SamplesPerPixel", "PhotometricInterpretation", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit")
    )
    return beside(
        of,
        SOPClassUID=EncapsulatedPDFStorage,
        Modality="DOC",
        SeriesNumber=3,
        EncapsulatedDocument=b"%PDF-1.7 Durand ",
        MIMETypeOfEncapsulatedDocument="application/pdf",
        PixelData=None,
        PixelRepresentation=None,
        **pixels,
    )


def beside(of: Dataset, **changes: Any) -> Dataset:
    [made] = slices(1, **{"StudyInstanceUID": of.StudyInstanceUID, "SeriesInstanceUID": arrivals.uid(), **changes})
    return made


def page_of(study: Dataset) -> str:
    return f"/studies/{study.StudyInstanceUID}/download/without-identity"


def begun(
    browser: Client, study: Dataset, *, subject: str = "ANON-1", kept: tuple[str, ...] = (), query: str = ""
) -> str:
    """Press the button; the address of the zip."""
    answer: Any = browser.post(f"{page_of(study)}{query}", {"subject": subject, "kept": list(kept)})
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def body_of(answer: Any) -> bytes:
    assert answer.status_code in {200, 206}, answer.content.decode()
    body: bytes = answer.getvalue()
    assert len(body) == int(answer["Content-Length"])
    return body


def unzipped(body: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(body)) as found:
        assert found.testzip() is None
        return {name: found.read(name) for name in found.namelist()}


def objects(files: dict[str, bytes]) -> list[Dataset]:
    return [dcmread(io.BytesIO(content)) for name, content in files.items() if name.startswith("DICOM/")]


def written(text: str) -> list[bytes]:
    """A text in the writings that a file may hold it in."""
    return [text.encode(code).lower() for code in ("utf-8", "latin-1", "iso8859-2", "utf-16-le") if can(text, code)]


def can(text: str, code: str) -> bool:
    try:
        text.encode(code)
    except UnicodeEncodeError:
        return False
    return True


def test_nothing_of_the_source_is_found_in_any_byte_of_the_zip(archive: Archive, reader: Client) -> None:
    made = slices(3)
    archive.receive(*made)
    body = body_of(reader.get(begun(reader, made[0])))
    names = [
        str(getattr(one, name)) for one in made for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    ]
    lowered = body.lower()
    for told in (*TOLD, *names):
        for form in written(told):
            assert form not in lowered, told
    known = Identifiers.named(
        names=[TOLD[0], TOLD[1], TOLD[6], TOLD[7]], ids=[TOLD[2], TOLD[3]], uids=names, dates=[TOLD[4], TOLD[5]]
    )
    copies = [content for name, content in unzipped(body).items() if name.startswith("DICOM")]
    assert len(copies) == 4
    for content in copies:
        assert remaining(part10.read_part10(io.BytesIO(content)).dataset, known) == []


def test_a_dicom_reader_opens_the_index_and_finds_the_copies(archive: Archive, reader: Client, tmp_path: Path) -> None:
    made = slices(3)
    archive.receive(*made)
    with zipfile.ZipFile(io.BytesIO(body_of(reader.get(begun(reader, made[0], subject="Case 7"))))) as found:
        found.extractall(folder := tmp_path / "disc")
    opened = FileSet(folder / "DICOMDIR")
    copies = [entry.load() for entry in opened]
    assert len(copies) == 3
    assert {str(copy.PatientName) for copy in copies} == {str(copy.PatientID) for copy in copies} == {"Case 7"}
    assert {copy.PatientIdentityRemoved for copy in copies} == {"YES"}
    assert all(np.array_equal(copy.pixel_array, np.arange(64).reshape(8, 8)) for copy in copies)
    assert opened.find_values("StudyInstanceUID") == [copies[0].StudyInstanceUID]
    assert {entry.SOPInstanceUID for entry in opened} == {copy.SOPInstanceUID for copy in copies}
    opened._stage["t"].cleanup()  # otherwise a warning when it is let go of
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert names == ["DICOM/ST000001/SE000001/IM00000" + n for n in "123"] + [
        "DICOMDIR",
        "README.TXT",
        "RECEIPT.TXT",
        "receipt.json",
    ]


def test_the_zip_tells_neither_when_the_images_came_nor_what_they_are_in_its_name(
    archive: Archive, reader: Client
) -> None:
    made = slices(1)
    archive.receive(*made)
    answer: Any = reader.get(begun(reader, made[0], subject="Case 7"))
    assert answer["Content-Disposition"] == 'attachment; filename="Case 7.zip"'
    with zipfile.ZipFile(io.BytesIO(body_of(answer))) as found:
        assert {entry.date_time[3:] for entry in found.infolist()} == {(12, 0, 0)}


def test_a_download_that_broke_off_goes_on_with_the_same_bytes(archive: Archive, reader: Client) -> None:
    made = slices(3)
    archive.receive(*made)
    address = begun(reader, made[0], kept=("retain_modified_dates",))
    first: Any = reader.get(address)
    whole = body_of(first)
    for start in (1, 700, len(whole) // 2, len(whole) - 5):
        answer: Any = reader.get(address, headers={"Range": f"bytes={start}-", "If-Range": first["ETag"]})
        assert answer.status_code == 206
        assert body_of(answer) == whole[start:]


def test_copies_of_which_no_plan_was_kept_are_the_same(
    archive: Archive, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = slices(3)
    archive.receive(*made)
    address = begun(reader, made[0])
    whole = body_of(reader.get(address))
    monkeypatch.setattr(cleanings, "_KEPT", 0)
    assert body_of(reader.get(address)) == whole


def test_two_downloads_fit_together_in_nothing(archive: Archive, reader: Client) -> None:
    made = slices(2)
    archive.receive(*made)
    one, two = (
        objects(unzipped(body_of(reader.get(begun(reader, made[0], kept=("retain_modified_dates",))))))
        for _ in range(2)
    )
    for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "StudyDate"):
        assert {getattr(copy, name) for copy in one}.isdisjoint({getattr(copy, name) for copy in two}), name
    assert len({copy.StudyInstanceUID for copy in one}) == 1


def test_what_is_left_out_is_told_before_and_after(archive: Archive, reader: Client) -> None:
    made = slices(2)
    archive.receive(*made, ultrasound(made[0]), document(made[0]))
    page = reader.get(page_of(made[0])).content.decode()
    assert "2 objects cannot be given this way" in page
    assert "Images of this kind often have names burned into their pixels." in page
    assert "A document (PDF, CDA, a model) may name anyone on its pages." in page
    assert "Download 2 objects without identity" in page
    files = unzipped(body_of(reader.get(begun(reader, made[0]))))
    assert len(objects(files)) == 2
    for name in ("README.TXT", "RECEIPT.TXT"):
        words = files[name].decode("utf-8-sig")
        assert "2 objects were left out:" in words
        assert "Series 2, 1 object: Images of this kind often have names burned into their pixels." in words
        assert "Series 3, 1 object: A document (PDF, CDA, a model) may name anyone on its pages." in words
        assert "Basic Application Confidentiality Profile (DCM 113100)" in words
    assert "no preview and no report" in files["README.TXT"].decode("utf-8-sig")
    told = json.loads(files["receipt.json"])
    assert (told["deidentified"], told["methods"], told["left_out"]) == (True, ["113100"], 2)


def test_a_study_of_which_nothing_can_be_given_has_no_zip(archive: Archive, reader: Client) -> None:
    [plain] = slices(1)
    archive.receive(ultrasound(plain))
    page = reader.get(page_of(plain)).content.decode()
    assert "None of these images can be given without identity" in page
    assert 'name="subject"' not in page
    answer: Any = reader.get(begun(reader, plain))
    assert answer.status_code == 409
    assert "None of these images can be given without identity" in answer.content.decode()
    assert AuditEvent.objects.get(action="export.interrupted").detail["reason"] == "nothing can go out without identity"


def test_a_series_is_given_by_itself(archive: Archive, reader: Client) -> None:
    first = slices(1)
    second = beside(first[0], SeriesNumber=2)
    archive.receive(*first, second)
    query = f"?series={second.SeriesInstanceUID}"
    assert "Download 1 object without identity" in reader.get(page_of(first[0]) + query).content.decode()
    assert [
        copy.SeriesNumber for copy in objects(unzipped(body_of(reader.get(begun(reader, first[0], query=query)))))
    ] == [2]


def test_what_is_chosen_to_stay_stays(archive: Archive, reader: Client) -> None:
    made = slices(1, SeriesDescription="Axial Durand", ManufacturerModelName="Revolution", StationName="CT-ROOM-4")
    archive.receive(*made)
    [bare] = objects(unzipped(body_of(reader.get(begun(reader, made[0])))))
    kept = ("clean_descriptors", "retain_modified_dates", "retain_device_identity")
    [copy] = objects(unzipped(body_of(reader.get(begun(reader, made[0], kept=kept)))))
    assert "axial" not in str(bare.get("SeriesDescription", "")).lower()
    assert bare.get("StationName") != "CT-ROOM-4"
    assert bare.StudyDate in {"", "19000101"}
    assert copy.SeriesDescription.lower() == "axial"
    assert copy.StationName == "CT-ROOM-4"
    assert "19000101" < copy.StudyDate < "20260304"
    assert copy.LongitudinalTemporalInformationModified == "MODIFIED"
    assert {code.CodeValue for code in copy.DeidentificationMethodCodeSequence} == {
        "113100",
        "113105",
        "113107",
        "113109",
    }


def test_it_is_on_record_as_one_without_identity(archive: Archive, reader: Client) -> None:
    made = slices(1)
    archive.receive(*made)
    reader.get(page_of(made[0]))
    assert not AuditEvent.objects.filter(action="study.exported").exists()
    body_of(reader.get(begun(reader, made[0], kept=("clean_descriptors",))))
    event = AuditEvent.objects.get(action="study.exported")
    assert event.subject_uid == made[0].StudyInstanceUID
    assert (event.detail["deidentified"], event.detail["methods"]) == (True, ["113100", "113105"])


def scope_of(made: Dataset, *rights: Right, deidentified: bool = False) -> Scope:
    return Scope(
        principal=Actor(kind="share", id="7", name="Dr. Outside", door="share"),
        studies=frozenset({str(made.StudyInstanceUID)}),
        rights=frozenset(rights),
        deidentified=deidentified,
        reason="share",
    )


def test_who_may_have_nothing_with_a_name_gets_copies_and_never_the_images(archive: Archive) -> None:
    made = slices(1)
    archive.receive(*made)
    scope = scope_of(made[0], Right.LIST, Right.VIEW, Right.DOWNLOAD, deidentified=True)
    uids = [str(made[0].StudyInstanceUID)]
    with pytest.raises(exports.IdentityKept):
        exports.prepare(scope, uids, actor=scope.principal, form="zip")
    export = without_identity.prepare(
        scope,
        uids,
        actor=scope.principal,
        form="zip",
        cleaning=Cleaning(Profile(), b"k" * 32, "ANON-1"),
        handed=Handed(dt.date(2026, 5, 1)),
    )
    assert b"Durand" not in b"".join(export.transfer())


def test_who_may_look_and_not_download_is_told_so(archive: Archive, reader: Client, alice: User) -> None:
    made = slices(1)
    archive.receive(*made)
    alice.memberships.update(role="referrer")
    assert reader.get(page_of(made[0])).status_code in {403, 404}


def test_copies_of_two_patients_have_two_names(archive: Archive) -> None:
    one, two = slices(1), slices(1, PatientID="P-OTHER-9", PatientName="Petit^Paul")
    archive.receive(*one, *two)
    scope = Scope(
        principal=Actor(kind="user", id="1", name="a"),
        studies=frozenset(str(made[0].StudyInstanceUID) for made in (one, two)),
        rights=frozenset({Right.LIST, Right.VIEW, Right.DOWNLOAD}),
        reason="test",
    )
    export = without_identity.prepare(
        scope,
        sorted(scope.studies),
        actor=scope.principal,
        form="zip",
        cleaning=Cleaning(Profile(), b"k" * 32, "ANON"),
        handed=Handed(dt.date(2026, 5, 1)),
    )
    copies = objects(unzipped(b"".join(export.transfer())))
    assert sorted(str(copy.PatientName) for copy in copies) == ["ANON-1", "ANON-2"]


def test_more_objects_than_can_be_cleaned_at_once_are_refused_and_a_series_is_offered(
    archive: Archive, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = slices(3)
    other = beside(made[0], SeriesNumber=2)
    archive.receive(*made, other)
    address = begun(reader, made[0])
    monkeypatch.setattr(cleanings, "MOST_OBJECTS", 2)
    page = reader.get(page_of(made[0])).content.decode()
    assert "These are too many images to be cleaned at once" in page
    assert 'name="subject"' not in page
    assert f"?series={other.SeriesInstanceUID}" in page
    answer = reader.get(address)
    assert answer.status_code == 409
    assert "These are too many images to be cleaned at once" in answer.content.decode()
