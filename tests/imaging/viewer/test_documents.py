"""Reports, clinical documents and PDFs are read as text and pictures; nothing that they carry is run, followed or believed."""

from typing import Any

import pytest
from django.test import Client
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from accounts.models import User
from imaging.dicom import uids
from imaging.studies.models import Study
from tests.factories import arrivals
from tests.imaging.rendering import drawings
from tests.imaging.rendering.conftest import Pool
from tests.studies_in_archive import DEMO, Archive, addresses

pytestmark = pytest.mark.django_db(transaction=True)

HOSTILE = "<script>alert(1)</script>{{ 7|add:7 }}"


@pytest.fixture
def reader(alice: User, client: Client) -> Client:
    """A browser in which Alice has signed in."""
    client.force_login(alice)
    return client


def at(made: Dataset) -> str:
    """The address of the document inside a data set."""
    return addresses(made).all["document"]


def read(reader: Client, address: str) -> str:
    answer: Any = reader.get(address)
    assert answer.status_code == 200, answer.content[:300]
    assert "script-src" in answer["Content-Security-Policy"]
    text: str = answer.content.decode()
    return text


def coded(meaning: str, value: str = "111", scheme: str = "99T") -> Sequence:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return Sequence([code])


def item(kind: str, concept: str, **changes: Any) -> Dataset:
    made = Dataset()
    made.RelationshipType, made.ValueType = "CONTAINS", kind
    if concept:
        made.ConceptNameCodeSequence = coded(concept)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def report(items: list[Dataset], **changes: Any) -> Dataset:
    """A structured report with these content items."""
    made = drawings.encapsulated(b"", "", "1.2.840.10008.5.1.4.1.1.88.33", Modality="SR", **changes)
    del made.EncapsulatedDocument, made.MIMETypeOfEncapsulatedDocument
    made.ValueType, made.ContinuityOfContent = "CONTAINER", "SEPARATE"
    made.CompletionFlag, made.VerificationFlag = "COMPLETE", "UNVERIFIED"
    made.ConceptNameCodeSequence = coded("Chest report")
    made.ContentSequence = Sequence(items)
    return made


def test_a_report_is_read_with_names_values_units_and_codes(archive: Archive, reader: Client) -> None:
    measured = Dataset()
    measured.NumericValue, measured.MeasurementUnitsCodeSequence = "12.5", coded("millimetre", "mm", "UCUM")
    made = report(
        [
            item("TEXT", "Finding", TextValue=f"A nodule. {HOSTILE}"),
            item("NUM", "Diameter", MeasuredValueSequence=Sequence([measured])),
            item("CODE", "Laterality", ConceptCodeSequence=coded("Left")),
            item("PNAME", "Observer", PersonName="House^Gregory"),
        ]
    )
    archive.receive(made)
    text = read(reader, at(made))
    for said in (
        "Chest report",
        "Finding",
        "A nodule.",
        "Diameter",
        "12.5 mm",
        "Laterality",
        "Left",
        "Gregory",
        "111 99T",
    ):
        assert said in text, said
    assert "Nobody has signed this report yet." in text
    assert "<script>alert" not in text
    assert "{{ 7|add:7 }}" in text


def test_images_of_the_study_are_linked_and_others_are_not(archive: Archive, reader: Client) -> None:
    image = drawings.grey()
    foreign = drawings.grey()
    here, there = Dataset(), Dataset()
    for reference, source in ((here, image), (there, foreign)):
        reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = source.SOPClassUID, source.SOPInstanceUID
    made = report(
        [
            item("IMAGE", "Key image", ReferencedSOPSequence=Sequence([here])),
            item("IMAGE", "Prior image", ReferencedSOPSequence=Sequence([there])),
        ],
        StudyInstanceUID=image.StudyInstanceUID,
    )
    archive.receive(image, foreign, made)
    text = read(reader, at(made))
    assert f"?series={image.SeriesInstanceUID}" in text
    assert foreign.SeriesInstanceUID not in text
    assert "not in this study" in text


def test_a_deep_report_is_cut_and_not_fatal(archive: Archive, reader: Client) -> None:
    inner = item("TEXT", "The deepest", TextValue="unreachable")
    for number in range(40):
        inner = item("CONTAINER", f"Level {number}", ContentSequence=Sequence([inner]))
    made = report([inner])
    archive.receive(made)
    text = read(reader, at(made))
    assert "Level 39" in text
    assert "unreachable" not in text
    assert "The rest is left out" in text


def test_reports_of_the_demo_are_readable(archive: Archive, reader: Client) -> None:
    path = DEMO / "sr-tumour-measurement" / "sr.dcm"
    archive.receive(path)
    study = archive.uid_of(path)
    card = read(reader, f"/studies/{study}/")
    assert "/document/" in card
    address = card.split("/document/")[0].rpartition('"')[2] + "/document/"
    text = read(reader, address)
    for said in ("Imaging Measurement Report", "Total Lesion Glycolysis", "202.008 g", "pharyngeal tonsil"):
        assert said in text, said


CDA = (
    '<ClinicalDocument xmlns="urn:hl7-org:v3"><title>Compte rendu</title><component><structuredBody><component><section>'
    "<title>Conclusion</title><text>{narrative}</text></section></component></structuredBody></component></ClinicalDocument>"
)


def clinical(text: str) -> Dataset:
    return drawings.encapsulated(text.encode(), "text/xml", uids.ENCAPSULATED_CDA)


def test_a_clinical_document_is_read_as_text_without_its_markup(archive: Archive, reader: Client) -> None:
    narrative = (
        '<paragraph styleCode="Bold" onclick="evil()">Two <content styleCode="Bold">opacities</content>'
        '<linkHtml href="javascript:evil()">see</linkHtml></paragraph>'
        '<table border="1"><tbody><tr><td colspan="2">Size</td><td rowspan="x">3 mm</td></tr></tbody></table>'
        '<script>evil()</script><renderMultiMedia referencedObject="x"/>'
        '<iframe src="http://evil.example/">framed</iframe><img src="http://evil.example/a.png"/>'
    )
    made = clinical(CDA.format(narrative=narrative))
    archive.receive(made)
    text = read(reader, at(made))
    assert "<p>Two <b>opacities</b><span>see</span></p>" in text
    assert '<td colspan="2">Size</td><td>3 mm</td>' in text
    for gone in ("evil", "onclick", "javascript:", "<iframe", "framed"):
        assert gone not in text, gone


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>' + CDA.format(narrative="&b;"),
        '<!DOCTYPE x SYSTEM "http://evil.example/x.dtd">' + CDA.format(narrative="text of it"),
        '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>' + CDA.format(narrative="&f;"),
        "<html><body>text of it</body></html>" + " " * 300,
        CDA.format(narrative="text of it")[:-20] + " " * 300,
        CDA.format(narrative="<content>" * 200 + "text of it" + "</content>" * 200),
    ],
)
def test_what_is_no_honest_clinical_document_is_not_shown(text: str, archive: Archive, reader: Client) -> None:
    made = clinical(text)
    archive.receive(made)
    shown = read(reader, at(made))
    assert "not shown" in shown or "cannot be shown" in shown
    assert "text of it" not in shown
    assert "root:" not in shown


def test_the_pages_of_a_pdf_are_pictures_and_the_file_only_a_download(
    archive: Archive, reader: Client, decoders: Pool
) -> None:
    path = DEMO / "encapsulated" / "report-hand.pdf.dcm"
    archive.receive(path)
    study = archive.uid_of(path)
    address = read(reader, f"/studies/{study}/").split("/document/")[0].rpartition('"')[2] + "/document/"
    text = read(reader, address)
    assert f"{address}pages/1" in text
    assert "application/pdf" not in text
    picture: Any = reader.get(f"{address}pages/1")
    assert picture["Content-Type"] == "image/webp"
    assert reader.get(f"{address}pages/99").status_code == 404
    file: Any = reader.get(f"{address}file")
    assert file.content.startswith(b"%PDF-")
    assert file["Content-Type"] == "application/octet-stream"
    assert file["Content-Disposition"].startswith("attachment")
    assert file["Content-Security-Policy"].startswith("sandbox")
    assert file["X-Content-Type-Options"] == "nosniff"


def test_a_broken_pdf_says_so(archive: Archive, reader: Client, decoders: Pool) -> None:
    made = drawings.encapsulated(b"%PDF-1.7 nothing" + b" " * 400, "application/pdf")
    archive.receive(made)
    assert "cannot be shown" in read(reader, at(made))


def test_a_model_is_honest_about_what_it_is(archive: Archive, reader: Client) -> None:
    made = drawings.encapsulated(
        b"solid x" + b" " * 400, "model/stl", "1.2.840.10008.5.1.4.1.1.104.3", DocumentTitle="Femur"
    )
    archive.receive(made)
    text = read(reader, at(made))
    assert "A three-dimensional model." in text
    assert "Femur" in text


def test_a_presentation_state_says_what_it_refers_to_and_what_is_written(archive: Archive, reader: Client) -> None:
    image = drawings.grey()
    made = drawings.encapsulated(
        b"", "", "1.2.840.10008.5.1.4.1.1.11.1", Modality="PR", StudyInstanceUID=image.StudyInstanceUID
    )
    del made.EncapsulatedDocument, made.MIMETypeOfEncapsulatedDocument
    made.ContentLabel, made.ContentDescription = "NODULE", f"For the round {HOSTILE}"
    reference, series, words, annotation = Dataset(), Dataset(), Dataset(), Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
    series.SeriesInstanceUID, series.ReferencedImageSequence = image.SeriesInstanceUID, Sequence([reference])
    words.UnformattedTextValue = "here it is"
    annotation.GraphicLayer, annotation.TextObjectSequence = "L", Sequence([words])
    made.ReferencedSeriesSequence = Sequence([series])
    made.GraphicAnnotationSequence = Sequence([annotation])
    archive.receive(image, made)
    text = read(reader, at(made))
    assert "NODULE" in text
    assert "here it is" in text
    assert f"?series={image.SeriesInstanceUID}" in text
    assert "<script>alert" not in text


def test_an_image_is_for_the_viewer(archive: Archive, reader: Client) -> None:
    made = arrivals.dataset()
    archive.receive(made)
    answer = reader.get(at(made))
    assert answer.status_code == 302
    assert answer["Location"].startswith(f"/viewer/{made.StudyInstanceUID}/")


def test_a_film_moves_under_the_pointer(archive: Archive, reader: Client, decoders: Pool) -> None:
    path = DEMO / "us-colour-doppler" / "IM00001.dcm"
    archive.receive(path)
    study = archive.uid_of(path)
    archive.draw(study)
    text = read(reader, f"/studies/{study}/")
    assert 'class="cine"' in text
    address = text.split('class="cine" src="')[1].split('"')[0]
    moving: Any = reader.get(address)
    assert moving["Content-Type"] == "image/webp"
    assert b"ANIM" in moving.content[:64]


def test_a_video_plays_by_ranges_of_its_stored_stream(archive: Archive, reader: Client, decoders: Pool) -> None:
    stream = drawings.video_of((30, 60, 220))
    archive.receive(drawings.video_object(stream))
    study = Study.objects.get().study_instance_uid
    archive.draw(study)
    address = read(reader, f"/studies/{study}/").split("/document/")[0].rpartition('"')[2] + "/document/"
    text = read(reader, address)
    assert f'src="{address}video"' in text
    assert "12 frames" in text
    whole: Any = reader.get(f"{address}video")
    assert (whole.status_code, whole["Content-Type"]) == (200, "video/mp4")
    assert whole.getvalue()[: len(stream)] == stream
    part: Any = reader.get(f"{address}video", headers={"Range": "bytes=100-299"})
    assert part.status_code == 206
    assert part.getvalue() == stream[100:300]
    assert part["Content-Range"].startswith("bytes 100-299/")
    assert reader.get(f"{address}video", headers={"Range": "bytes=99999999-"}).status_code == 416


def test_a_stream_that_no_browser_plays_says_so(archive: Archive, reader: Client) -> None:
    archive.receive(drawings.video_object(b"\0\0\1\xba" + b"\0" * 500))
    study = Study.objects.get().study_instance_uid
    address = read(reader, f"/studies/{study}/").split("/document/")[0].rpartition('"')[2] + "/document/"
    assert "cannot be played" in read(reader, address)
    assert reader.get(f"{address}video").status_code == 404
