"""Wrapped files are whole DICOM objects: dicom3tools finds nothing, pydicom reads them, and what was handed in is inside."""

import dataclasses
import datetime as dt
import io
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames

from imaging.dicom import decode, part10, uids
from imaging.dicom.frame_description import FrameDescription
from imaging.dicom.wrapping import cda, documents, pictures, videos
from imaging.dicom.wrapping.facts import (
    MODALITIES,
    DocumentFacts,
    Origin,
    PatientFacts,
    PictureFacts,
    Place,
    SeriesFacts,
    StudyFacts,
    VideoFacts,
)
from imaging.rendering.media import documents as received_documents
from imaging.rendering.media import pictures as received_pictures
from imaging.rendering.media import videos as received_videos
from tests.factories import material
from tests.peers import Peer

PARIS = dt.timezone(dt.timedelta(hours=1))
NOW = dt.datetime(2026, 11, 22, 10, 5, tzinfo=PARIS)
CAMERA_CLASS = {
    Origin.PHOTO: "1.2.840.10008.5.1.4.1.1.77.1.4",
    Origin.ENDOSCOPY: "1.2.840.10008.5.1.4.1.1.77.1.1",
    Origin.MICROSCOPY: "1.2.840.10008.5.1.4.1.1.77.1.2",
}


def place(modality: str = "XC", *, region: str = "CHEST", side: str = "", **changes: Any) -> Place:
    """A place in a study of Hélène Durand, of this morning in Paris."""
    made = Place(
        patient=PatientFacts(
            patient_name="Durand^Hélène=山田^花子",
            patient_id="P1",
            issuer_of_patient_id="HOSPITAL",
            birth_date=dt.date(1970, 1, 2),
            sex="F",
        ),
        study=StudyFacts(
            study_instance_uid=uids.new_uid(),
            study_at=NOW,
            accession_number="A1",
            study_id="S1",
            description="Wound, left hand",
        ),
        series=SeriesFacts(
            series_instance_uid=uids.new_uid(),
            series_number=9001,
            modality=modality,
            description="Plaie",
            body_part_examined=region,
            laterality=side,
        ),
        sop_instance_uid=uids.new_uid(),
        instance_number=1,
        made_at=NOW.astimezone(dt.UTC),
        taken_at=NOW,
    )
    return dataclasses.replace(made, **changes)


def picture(source: bytes, origin: Origin, *, dpi: float | None = None, **options: Any) -> tuple[bytes, PictureFacts]:
    """(file, facts) of a wrapped picture."""
    frames, out = io.BytesIO(), io.BytesIO()
    facts = received_pictures.prepare(io.BytesIO(source), frames)
    frames.seek(0)
    pictures.write_picture(out, place(MODALITIES[origin], **options), facts, frames, origin=origin, dpi=dpi)
    return out.getvalue(), facts


def film(source: bytes, origin: Origin = Origin.PHOTO, *, sound: bool = True) -> tuple[bytes, VideoFacts, bytes]:
    """(file, facts, MP4 stream) of a wrapped video."""
    stream, out = io.BytesIO(), io.BytesIO()
    facts = received_videos.prepare(io.BytesIO(source), stream, with_sound=sound)
    stream.seek(0)
    videos.write_video(out, place(MODALITIES[origin]), facts, stream, origin=origin)
    return out.getvalue(), facts, stream.getvalue()


def document(source: bytes, **options: Any) -> bytes:
    """The file of a wrapped PDF or CDA document."""
    out = io.BytesIO()
    if source.startswith(b"%PDF"):
        facts = received_documents.inspect(io.BytesIO(source))
        titled = dataclasses.replace(facts, title="Lettre de sortie")
        documents.write_pdf(out, place("DOC", **options), titled, io.BytesIO(source))
    else:
        documents.write_cda(out, place("DOC", **options), cda.read(source), io.BytesIO(source))
    return out.getvalue()


def read(content: bytes) -> Dataset:
    """The file as pydicom reads it."""
    return pydicom.dcmread(io.BytesIO(content))


def decoded(content: bytes, frame: int = 0) -> Any:
    """The samples of a frame, by our own decoder."""
    parsed = part10.read_part10(io.BytesIO(content))
    made = read(content)
    frames = list(generate_frames(made.PixelData, number_of_frames=int(made.get("NumberOfFrames", 1))))
    described = FrameDescription.from_dataset(parsed.dataset, parsed.transfer_syntax_uid)
    return decode.decode_frame(frames[frame], described)


def complaints(peer: Peer, content: bytes, folder: Path) -> list[str]:
    """What dicom3tools says of the file, but for the name of its class."""
    path = folder / "wrapped.dcm"
    path.write_bytes(content)
    answer = subprocess.run([peer("dciodvfy"), "-new", path], capture_output=True, text=True, check=False)
    return [line for line in (answer.stdout + answer.stderr).splitlines() if line.startswith(("Error", "Warning"))]


PICTURES: dict[str, tuple[bytes, Origin]] = {
    "photo": (material.phone_photo(), Origin.PHOTO),
    "photo held upright": (material.phone_photo(orientation=6), Origin.PHOTO),
    "progressive photo": (material.file(material.colours(), "JPEG", progressive=True), Origin.PHOTO),
    "grey photo": (material.file(material.colours().convert("L"), "JPEG"), Origin.PHOTO),
    "endoscopy": (material.file(material.colours(), "PNG"), Origin.ENDOSCOPY),
    "microscopy": (material.file(material.colours(), "WEBP"), Origin.MICROSCOPY),
    "film of 16 bits": (material.file(material.greys(), "TIFF", dpi=(150, 150)), Origin.FILM),
    "film of 8 bits": (material.file(material.greys().convert("L"), "PNG", dpi=(150, 150)), Origin.FILM),
    "film as JPEG": (material.file(material.colours().convert("L"), "JPEG", dpi=(150, 150)), Origin.FILM),
    "two films": (material.pages(material.greys(), material.greys(first=9), dpi=300), Origin.FILM),
    "colour pages": (material.pages(*[material.colours()] * 3), Origin.PAPER),
    "grey pages": (material.pages(*[material.colours().convert("L")] * 2), Origin.PAPER),
    "fax": (material.file(material.colours().convert("1"), "TIFF"), Origin.PAPER),
    "screenshot": (material.file(material.colours(), "PNG"), Origin.SCREEN),
}
VIDEOS: dict[str, tuple[bytes, Origin]] = {
    "phone": (material.video(sound=True), Origin.PHOTO),
    "endoscopy": (material.video(), Origin.ENDOSCOPY),
    "microscopy": (material.video("mpeg4", "mov"), Origin.MICROSCOPY),
    "held upright": (material.video(rotation=90), Origin.PHOTO),
    "motion JPEG": (material.video("mjpeg", "avi", pixels="yuvj420p"), Origin.PHOTO),
    "web": (material.video("libvpx", "webm"), Origin.PHOTO),
    "transport stream": (material.video(kind="mpegts"), Origin.PHOTO),
}


@pytest.mark.conformance
@pytest.mark.parametrize("name", PICTURES)
def test_dicom3tools_has_nothing_to_say_about_a_picture(name: str, peer: Peer, tmp_path: Path) -> None:
    assert complaints(peer, picture(*PICTURES[name])[0], tmp_path) == []
    assert complaints(peer, picture(*PICTURES[name], region="HAND", side="L")[0], tmp_path) == []


@pytest.mark.conformance
def test_a_side_that_nobody_has_said_is_left_empty_as_the_standard_wants(peer: Peer, tmp_path: Path) -> None:
    (only,) = complaints(peer, picture(*PICTURES["photo"], region="")[0], tmp_path)
    assert only.startswith("Warning")
    assert "only permitted to be empty when actually unknown" in only


@pytest.mark.conformance
@pytest.mark.parametrize("name", VIDEOS)
def test_dicom3tools_has_nothing_to_say_about_a_video(name: str, peer: Peer, tmp_path: Path) -> None:
    assert complaints(peer, film(*VIDEOS[name])[0], tmp_path) == []


@pytest.mark.conformance
@pytest.mark.parametrize("source", [material.pdf(), material.pdf(pages=3), material.cda()], ids=["1", "3", "cda"])
def test_dicom3tools_has_nothing_to_say_about_a_document(source: bytes, peer: Peer, tmp_path: Path) -> None:
    assert complaints(peer, document(source), tmp_path) == []


def test_patient_study_and_dates_are_what_was_told() -> None:
    made = read(picture(*PICTURES["photo"])[0])
    assert made.PatientName == "Durand^Hélène=山田^花子"
    assert made.SpecificCharacterSet == "ISO_IR 192"
    assert (made.PatientID, made.IssuerOfPatientID, made.PatientBirthDate) == ("P1", "HOSPITAL", "19700102")
    assert (made.StudyDate, made.StudyTime, made.TimezoneOffsetFromUTC) == ("20261122", "100500", "+0100")
    assert made.AcquisitionDateTime == "20261122100500+0100"
    assert made.InstanceCreationTime == "100500"
    assert made.SOPInstanceUID.startswith("2.25.")
    assert made.file_meta.MediaStorageSOPInstanceUID == made.SOPInstanceUID


def test_a_study_whose_day_alone_is_known_gets_no_time() -> None:
    study = StudyFacts(
        study_instance_uid="1.2", study_at=dt.datetime(1974, 5, 6, 12, tzinfo=PARIS), time_is_known=False
    )
    out = io.BytesIO()
    documents.write_pdf(out, place("DOC", study=study), DocumentFacts(length=4), io.BytesIO(b"%PDF"))
    assert (read(out.getvalue()).StudyDate, read(out.getvalue()).StudyTime) == ("19740506", "")


def test_hostile_text_stays_one_value_and_loses_its_control_characters() -> None:
    made = place("DOC")
    odd = dataclasses.replace(made.series, description="a\\b\x00\n\u202ec<script>")
    out = io.BytesIO()
    documents.write_pdf(out, dataclasses.replace(made, series=odd), DocumentFacts(length=4), io.BytesIO(b"%PDF"))
    assert read(out.getvalue()).SeriesDescription == "a/b   c<script>"


@pytest.mark.parametrize("origin", CAMERA_CLASS)
def test_a_camera_s_picture_is_a_visible_light_object(origin: Origin) -> None:
    made = read(picture(material.phone_photo(), origin)[0])
    assert (made.SOPClassUID, made.Modality) == (CAMERA_CLASS[origin], MODALITIES[origin])


def test_the_jpeg_inside_is_the_one_that_was_handed_in_without_what_tells_of_places() -> None:
    source = material.phone_photo()
    content, facts = picture(source, Origin.PHOTO)
    made = read(content)
    (inside,) = generate_frames(made.PixelData, number_of_frames=1)
    scan, end = source.index(b"\xff\xda"), source.rindex(b"\xff\xd9") + 2
    assert source[scan:end] in inside
    assert made.file_meta.TransferSyntaxUID == uids.JPEG_BASELINE
    tables = source[source.index(b"\xff\xdb") : source.index(b"\xff\xda")]
    assert tables in inside
    for private in (material.PLACE, b"Exif", b"phone", b"<script>"):
        assert private in source
        assert private not in content
    assert facts.is_untouched
    assert facts.notes == ("details_removed",)
    assert (made.LossyImageCompression, made.LossyImageCompressionMethod) == ("01", "ISO_10918_1")
    assert float(made.LossyImageCompressionRatio) > 1


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_turned_photo_stands_upright_without_further_loss(orientation: int) -> None:
    source = material.phone_photo(orientation=orientation)
    content, facts = picture(source, Origin.PHOTO)
    import PIL.Image
    import PIL.ImageOps

    upright = np.asarray(PIL.ImageOps.exif_transpose(PIL.Image.open(io.BytesIO(source))).convert("RGB"))
    assert np.array_equal(decoded(content), upright)
    assert facts.transfer_syntax_uid == uids.JPEG_LS_LOSSLESS
    assert "turned_upright" in facts.notes
    assert read(content).LossyImageCompression == "01"


def test_sixteen_bits_are_kept_without_loss_and_the_window_shows_them() -> None:
    image = material.greys()
    content, facts = picture(material.file(image, "PNG"), Origin.FILM)
    made = read(content)
    assert np.array_equal(decoded(content), np.asarray(image))
    assert (made.BitsAllocated, made.BitsStored, made.LossyImageCompression) == (16, 16, "00")
    assert made.WindowWidth > 50000
    assert facts.lossy is None


def test_every_page_of_a_tiff_is_a_frame() -> None:
    images = [material.greys(first=value) for value in (0, 7, 4000)]
    content, _facts = picture(material.pages(*images), Origin.FILM)
    assert read(content).NumberOfFrames == 3
    for number, image in enumerate(images):
        assert np.array_equal(decoded(content, number), np.asarray(image))


@pytest.mark.parametrize(
    ("source", "dpi", "spacing"),
    [
        (material.file(material.greys(), "TIFF", dpi=(254, 254)), None, [0.1, 0.1]),
        (material.file(material.greys(), "PNG", dpi=(254, 254)), None, [0.1, 0.1]),
        (material.file(material.colours().convert("L"), "JPEG", dpi=(254, 127)), None, [0.2, 0.1]),
        (material.file(material.greys(), "TIFF", dpi=(254, 254)), 508, [0.05, 0.05]),
        (material.file(material.colours(), "PNG", dpi=(72, 72)), None, None),
        (material.file(material.colours(), "PNG", dpi=(96, 96)), None, None),
        (material.file(material.colours(), "PNG"), None, None),
    ],
)
def test_the_scanner_s_dots_per_inch_become_the_scanned_spacing(
    source: bytes, dpi: float | None, spacing: list[float] | None
) -> None:
    made = read(picture(source, Origin.FILM, dpi=dpi)[0])
    assert made.ConversionType == "DF"
    found = made.get("NominalScannedPixelSpacing")
    assert found is None if spacing is None else [float(value) for value in found] == pytest.approx(spacing, rel=1e-3)


def test_a_photo_s_dots_per_inch_say_nothing_about_the_patient() -> None:
    assert "NominalScannedPixelSpacing" not in read(picture(material.phone_photo(dpi=(300, 300)), Origin.PHOTO)[0])


def test_transparent_parts_become_white_and_a_negative_film_stays_what_it_says() -> None:
    import PIL.Image

    clear = PIL.Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    assert (decoded(picture(material.file(clear, "PNG"), Origin.SCREEN)[0]) == 255).all()
    inks = material.colours().convert("CMYK")
    assert read(picture(material.file(inks, "JPEG"), Origin.PHOTO)[0]).PhotometricInterpretation == "RGB"


def test_the_stream_of_a_video_that_the_standard_knows_is_moved_as_it_is() -> None:
    import av

    source = material.video(sound=True)
    content, facts, stream = film(source)
    made = read(content)
    assert made.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.102"
    assert facts.is_untouched
    (inside,) = generate_frames(made.PixelData, number_of_frames=1)
    assert inside[: len(stream)] == stream
    assert material.PLACE not in content
    with av.open(io.BytesIO(source)) as before, av.open(io.BytesIO(stream)) as after:
        packets = [[bytes(packet) for packet in one.demux(video=0) if packet.size] for one in (before, after)]
    assert packets[0] == packets[1]
    assert (made.NumberOfFrames, float(made.FrameTime), made.CineRate) == (12, 40.0, 25)
    assert made.MultiplexedAudioChannelsDescriptionCodeSequence[0].ChannelMode == "MONO"


def test_sound_is_left_out_on_request() -> None:
    content, facts, stream = film(material.video(sound=True), sound=False)
    import av

    with av.open(io.BytesIO(stream)) as container:
        assert not container.streams.audio
    assert "sound_removed" in facts.notes
    assert "MultiplexedAudioChannelsDescriptionCodeSequence" not in read(content)


def test_hevc_of_the_main_profile_is_kept() -> None:
    content, facts, _stream = film(material.video("libx265"))
    assert facts.is_untouched
    assert read(content).file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.107"


def test_a_video_that_its_container_turns_is_turned_for_good() -> None:
    import av

    content, facts, stream = film(material.video(rotation=90))
    made = read(content)
    assert (made.Rows, made.Columns) == (96, 64)
    assert "encoded_again" in facts.notes
    with av.open(io.BytesIO(material.video(rotation=90))) as container:
        assert next(container.decode(video=0)).rotation == 90
    with av.open(io.BytesIO(stream)) as container:
        shown = next(container.decode(video=0))
        picture_ = shown.to_ndarray(format="rgb24")
    assert shown.rotation == 0
    # A quarter turn to the left takes the red corner from the top left to the bottom left.
    assert picture_[-5, 5, 0] > 150
    assert picture_[5, 5, 0] < 100


def test_pdf_and_cda_are_kept_byte_for_byte() -> None:
    for source, media_type, title in (
        (material.pdf(), "application/pdf", "Lettre de sortie"),
        (material.cda(title="Courrier"), "text/XML", "Courrier"),
    ):
        made = read(document(source))
        assert made.EncapsulatedDocument[: made.EncapsulatedDocumentLength] == source
        assert (made.MIMETypeOfEncapsulatedDocument, made.DocumentTitle) == (media_type, title)
    assert made.HL7InstanceIdentifier == "1.2.250.1.99^D42"


def test_scripts_in_a_pdf_are_told() -> None:
    assert received_documents.inspect(io.BytesIO(material.scripted_pdf())).notes == ("has_scripts",)
