"""The page that lies in a download: what it tells, in whose language, and that nothing in it can do harm or leads away."""

import io
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
from django.test import RequestFactory
from django.utils import timezone, translation
from pydicom.dataset import Dataset

from accounts.actor import Actor
from accounts.roles import Right
from accounts.scope import Scope
from imaging.rendering.models import Rendition
from imaging.studies.export.services import Handed
from imaging.viewer import export_answers, export_previews
from imaging.viewer.export_answers import Package
from imaging.viewer.export_page import Cover, ReportFile
from tests.factories import arrivals
from tests.imaging.rendering.conftest import Pool
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db

HOSTILE = '<img src="http://evil.example/x" onerror=alert(1)>'


def a_study(count: int = 2, **changes: Any) -> list[Dataset]:
    """One image in each of some series."""
    study = arrivals.uid()
    return [
        arrivals.dataset(StudyInstanceUID=study, SeriesInstanceUID=arrivals.uid(), SeriesNumber=number, **changes)
        for number in range(1, count + 1)
    ]


def share_of(*made: Dataset, deidentified: bool = False) -> Scope:
    """What a link that was sent out may see: studies by name, and no department."""
    return Scope(
        principal=Actor(kind="share", id="7", name="Dr. Outside (Ab3)", door="share"),
        studies=frozenset(str(one.StudyInstanceUID) for one in made),
        rights=frozenset({Right.LIST, Right.VIEW, Right.DOWNLOAD}),
        deidentified=deidentified,
        reason="share Ab3",
    )


def body_of(answer: Any) -> bytes:
    """All that an answer sends, and its end as the web server brings it about; its length is what was announced."""
    body: bytes = answer.getvalue()
    leave(answer)
    assert len(body) == int(answer["Content-Length"])
    return body


def leave(answer: Any) -> None:
    """Close without the signal that ends a test's transaction."""
    for closer in answer._resource_closers:
        closer()


def taken(scope: Scope, package: Package, *studies: Dataset) -> dict[str, bytes]:
    """The files of the zip that a link gives."""
    uids = list(dict.fromkeys(str(one.StudyInstanceUID) for one in studies))
    answer: Any = export_answers.zip_answer(
        RequestFactory().get("/"), scope=scope, actor=scope.principal, study_uids=uids, package=package
    )
    body = body_of(answer)
    with zipfile.ZipFile(io.BytesIO(body)) as found:
        assert found.testzip() is None
        return {name: found.read(name) for name in found.namelist()}


class Page(HTMLParser):
    """What a browser would find: elements, where they lead, and the words."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.leads: list[str] = []
        self.names: set[str] = set()
        self.words = ""
        self.language = ""
        self._in_style = False
        self.feed(content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._in_style = tag == "style"
        for name, value in attrs:
            self.names.add(name)
            if name in {"src", "href", "action", "srcset", "data", "poster"}:
                self.leads.append(value or "")
            if (tag, name) == ("html", "lang"):
                self.language = value or ""

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False

    def handle_data(self, data: str) -> None:
        if not self._in_style:
            self.words += " " + " ".join(data.split())


def test_the_page_tells_who_shares_what_and_leads_to_every_file(archive: Archive, decoders: Pool) -> None:
    made = a_study(
        2, PatientName="Łukasiewicz^Żaneta", StudyDescription="Thorax", Rows=64, Columns=64, PixelData=bytes(8192)
    )
    archive.receive(*made)
    archive.draw(str(made[0].StudyInstanceUID))
    report = ReportFile(str(made[0].StudyInstanceUID), b"%PDF-1.7 words", "Compte rendu")
    cover = Cover(
        hospital="Hôpital Nord",
        sender="Dr. Ève Martin",
        recipient="Dr. Outside",
        note="Second\nopinion",
        reports=(report,),
    )
    files = taken(share_of(*made), Package(cover), *made)
    page = Page(files["index.html"])
    for word in (
        "Hôpital Nord",
        "Dr. Ève Martin",
        "Dr. Outside",
        "Second",
        "ŁUKASIEWICZ",
        "Żaneta",
        "P1",
        "Thorax",
        "Compte rendu",
    ):
        assert word in page.words, word
    assert {name for name in files if name.startswith("PREVIEWS/")} == {
        "PREVIEWS/ST000001/SE000001.JPG",
        "PREVIEWS/ST000001/SE000002.JPG",
    }
    assert PIL.Image.open(io.BytesIO(files["PREVIEWS/ST000001/SE000001.JPG"])).format == "JPEG"
    assert files["REPORT/ST000001.PDF"] == b"%PDF-1.7 words"
    for lead in page.leads:
        assert any(name == lead or name.startswith(lead) for name in files), lead
    beside = {name for name in files if name.startswith(("PREVIEWS/", "REPORT/"))}
    assert beside <= set(page.leads)
    assert b"index.html" in files["README.TXT"]


def test_no_word_of_a_stranger_becomes_markup_or_leads_away(archive: Archive) -> None:
    made = a_study(
        1,
        PatientName=HOSTILE,
        PatientID="<script>x</script>",
        StudyDescription=HOSTILE,
        SeriesDescription='"><svg onload=x>',
    )
    archive.receive(*made)
    cover = Cover(HOSTILE, HOSTILE, HOSTILE, HOSTILE, (ReportFile(str(made[0].StudyInstanceUID), b"%PDF", HOSTILE),))
    page = Page(taken(share_of(*made), Package(cover), *made)["index.html"])
    assert not {"script", "img", "svg", "link", "iframe", "object", "base"} & set(page.tags)
    assert not [name for name in page.names if name.startswith("on")]
    assert not [lead for lead in page.leads if ":" in lead or lead.startswith("/")]
    assert page.words.count(HOSTILE) >= 5


def test_the_page_is_in_the_language_of_the_reader(archive: Archive) -> None:
    made = a_study(1)
    archive.receive(*made)
    with translation.override("fr"):
        page = Page(taken(share_of(*made), Package(), *made)["index.html"])
    assert page.language == "fr"


def test_without_identity_neither_page_nor_words_tell_who_it_is(archive: Archive, decoders: Pool) -> None:
    made = a_study(
        1,
        PatientName="Geheim^Gustav",
        PatientID="SECRET-9",
        StudyDescription="Geheim",
        SeriesDescription="Gustav",
        AccessionNumber="A-77",
    )
    archive.receive(*made)
    archive.draw(str(made[0].StudyInstanceUID))
    scope = share_of(*made, deidentified=True)
    cover = Cover(reports=(ReportFile(str(made[0].StudyInstanceUID), b"%PDF Geheim"),))
    files = taken(scope, Package(cover, Handed(timezone.localdate(), "Ab3", is_deidentified=True)), *made)
    told = files["index.html"] + files["README.TXT"] + files["RECEIPT.TXT"] + files["receipt.json"]
    for word in (b"geheim", b"gustav", b"secret-9", b"a-77", b"2026-03-04", b"04 mar"):
        assert word not in told.lower(), word
    assert b"These files name the patient" not in told
    assert b'"deidentified":true' in files["receipt.json"]
    assert not [name for name in files if name.startswith(("PREVIEWS", "REPORT"))]


def test_several_patients_are_named_each_beside_their_study(archive: Archive) -> None:
    one, other = a_study(1, PatientID="P1", PatientName="Un^Ada"), a_study(1, PatientID="P2", PatientName="Deux^Bo")
    archive.receive(*one, *other)
    page = Page(taken(share_of(*one, *other), Package(), *one, *other)["index.html"])
    assert "UN Ada" in page.words
    assert "DEUX Bo" in page.words
    assert "Patient ID" not in page.words


def test_a_preview_that_cannot_be_read_keeps_no_image_back(archive: Archive, decoders: Pool, settings: Any) -> None:
    made = a_study(1)
    archive.receive(*made)
    archive.draw(str(made[0].StudyInstanceUID))
    picture = Rendition.objects.get(kind="preview").stored_object
    assert picture is not None
    for copy in picture.copies.all():
        (Path(settings.STORAGES[copy.tier]["OPTIONS"]["location"]) / copy.location).unlink()
    files = taken(share_of(*made), Package(), *made)
    assert not [name for name in files if name.startswith("PREVIEWS")]
    assert "DICOM/ST000001/SE000001/IM000001" in files


def test_a_study_of_very_many_series_has_pictures_of_the_first(
    archive: Archive, decoders: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_previews, "MOST", 2)
    made = a_study(4)
    archive.receive(*made)
    archive.draw(str(made[0].StudyInstanceUID))
    files = taken(share_of(*made), Package(), *made)
    assert sorted(name for name in files if name.startswith("PREVIEWS")) == [
        "PREVIEWS/ST000001/SE000001.JPG",
        "PREVIEWS/ST000001/SE000002.JPG",
    ]
    assert sum(name.startswith("DICOM/") for name in files) == 4


def test_the_receipt_names_the_share(archive: Archive) -> None:
    made = a_study(1)
    archive.receive(*made)
    files = taken(share_of(*made), Package(handed=Handed(timezone.localdate(), share="Ab3")), *made)
    assert b'"share":"Ab3"' in files["receipt.json"]
    assert b"by share Ab3" in files["RECEIPT.TXT"]
