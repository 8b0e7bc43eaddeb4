"""SOP classes and transfer syntaxes have names and kinds."""

import pytest

from imaging.dicom import uids


@pytest.mark.parametrize(
    ("sop_class_uid", "name", "kind"),
    [
        ("1.2.840.10008.5.1.4.1.1.2", "CT Image", "image"),
        ("1.2.840.10008.5.1.4.1.1.1.1", "Digital X-Ray Image Storage - For Presentation", "image"),
        ("1.2.840.10008.5.1.4.1.1.77.1.1.1", "Video Endoscopic Image", "video"),
        ("1.2.840.10008.5.1.4.1.1.104.1", "Encapsulated PDF", "document"),
        ("1.2.840.10008.5.1.4.1.1.88.33", "Comprehensive SR", "structured_report"),
        ("1.2.840.10008.5.1.4.1.1.88.59", "Key Object Selection Document", "key_objects"),
        ("1.2.840.10008.5.1.4.1.1.11.1", "Grayscale Softcopy Presentation State", "presentation_state"),
        ("1.2.840.10008.5.1.4.1.1.9.1.1", "12-lead ECG Waveform", "waveform"),
        ("1.2.840.10008.5.1.4.1.1.481.5", "RT Plan", "radiotherapy"),
        ("1.2.840.10008.5.1.4.1.1.481.1", "RT Image", "image"),
        ("1.2.840.10008.5.1.4.1.1.66.4", "Segmentation", "segmentation"),
        ("1.2.840.10008.5.1.4.1.1.66.1", "Spatial Registration", "other"),
        ("1.2.840.10008.1.3.10", "Media Storage Directory", "directory"),
        ("1.2.3.4", "1.2.3.4", "other"),
    ],
)
def test_sop_classes_have_names_and_kinds(sop_class_uid, name, kind):
    assert uids.sop_class_name(sop_class_uid) == name
    assert uids.kind_of(sop_class_uid) == kind
    assert kind in uids.KINDS


def test_what_can_be_drawn_is_an_image():
    assert uids.is_image("1.2.840.10008.5.1.4.1.1.481.2")  # RT Dose
    assert uids.is_image("1.2.840.10008.5.1.4.1.1.66.4")
    assert not uids.is_image("1.2.840.10008.5.1.4.1.1.88.33")
    assert uids.is_document("1.2.840.10008.5.1.4.1.1.104.1")
    assert uids.is_waveform("1.2.840.10008.5.1.4.1.1.9.1.1")
    assert uids.is_radiotherapy("1.2.840.10008.5.1.4.1.1.481.3")


@pytest.mark.parametrize("value", ["1.2.840", "0", "1" * 64])
def test_uids_are_digits_and_dots(value):
    assert uids.is_valid_uid(value)


@pytest.mark.parametrize("value", ["", "1.2.a", "1" * 65, "1.2\n", " 1.2", "１.２", "1/2"])
def test_anything_else_is_no_uid(value):
    assert not uids.is_valid_uid(value)


def test_transfer_syntaxes_are_known_by_what_they_do():
    assert uids.is_encapsulated(uids.JPEG_BASELINE)
    assert uids.is_encapsulated(uids.ENCAPSULATED_UNCOMPRESSED)
    assert not uids.is_encapsulated(uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN)
    assert uids.is_video("1.2.840.10008.1.2.4.102")
    assert not uids.is_known_transfer_syntax("1.2.840.10008.5.1.4.1.1.2")
    assert uids.transfer_syntax_name(uids.RLE_LOSSLESS) == "RLE Lossless"


def test_constants_are_the_registered_uids():
    assert uids.transfer_syntax_name(uids.HTJ2K).startswith("High-Throughput JPEG 2000")
    assert uids.transfer_syntax_name(uids.JPEG_XL_LOSSLESS) == "JPEG XL Lossless"
    for syntax in uids.VIDEO | uids.JPEG_XL_FAMILY | uids.HTJ2K_FAMILY | uids.JPEG_2000_FAMILY:
        assert uids.is_known_transfer_syntax(syntax), syntax
    assert uids.is_known_transfer_syntax(uids.DEFLATED_IMAGE_FRAME)
