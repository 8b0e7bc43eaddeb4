"""Material that is broken, or means harm, is refused with a reason and nothing else."""

import io

import pytest

from imaging.dicom.errors import DicomError
from imaging.dicom.wrapping import cda, jpeg
from imaging.rendering.media import documents as received_documents
from imaging.rendering.media import pictures as received_pictures
from imaging.rendering.media import videos as received_videos
from tests.factories import material


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (material.phone_photo()[:-200], "cut_short"),
        (b"\xff\xd8\xff\xe0\x00", "not_jpeg"),
        (material.file(material.colours(), "PNG")[:-60], "cut_short"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "decode_failed"),
        (material.huge_png(), "too_large"),
        (material.pages(material.colours(), material.colours(24, 32)), "pages_differ"),
    ],
)
def test_pictures_that_are_no_pictures_are_refused(source: bytes, code: str) -> None:
    with pytest.raises(DicomError) as refused:
        received_pictures.prepare(io.BytesIO(source), io.BytesIO())
    assert refused.value.code == code


@pytest.mark.parametrize(
    "source",
    [
        b"<ClinicalDocument/>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><ClinicalDocument xmlns="urn:hl7-org:v3">&b;</ClinicalDocument>',
        b'<ClinicalDocument xmlns="urn:hl7-org:v3">' + b"<a>" * 100_000,
        b"\xff\xfe<",
    ],
)
def test_xml_that_is_no_plain_cda_is_refused(source: bytes) -> None:
    with pytest.raises(cda.NotCda):
        cda.read(source)


@pytest.mark.parametrize("source", [b"%PDF-1.7\n", b"%PDF-1.4\n<script>alert(1)</script>", material.pdf()[:200]])
def test_what_only_begins_as_a_pdf_is_refused(source: bytes) -> None:
    with pytest.raises(received_documents.BadDocument):
        received_documents.inspect(io.BytesIO(source))


@pytest.mark.parametrize(
    "source",
    [
        material.video()[:300],
        b"\0\0\0\x18ftypmp42" + bytes(500),
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
    ],
)
def test_videos_that_are_none_or_name_other_files_are_refused(source: bytes) -> None:
    with pytest.raises(received_videos.BadVideo):
        received_videos.prepare(io.BytesIO(source), io.BytesIO(), with_sound=True)


@pytest.mark.parametrize("cut", range(2, 700, 7))
def test_a_jpeg_cut_anywhere_is_refused_in_one_way(cut: int) -> None:
    with pytest.raises(jpeg.NotJpeg):
        jpeg.read(material.file(material.colours(), "JPEG")[:cut])
