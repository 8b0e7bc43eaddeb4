"""Whether a parsed object is what it says it is."""

from __future__ import annotations

from dataclasses import dataclass

from imaging.dicom import header, pixel_module, uids
from imaging.dicom.element_text import ElementText
from imaging.dicom.errors import MissingIdentifier
from imaging.dicom.limits import MAX_FRAME_BYTES, MAX_PIXEL_BYTES
from imaging.dicom.part10 import ParsedFile


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding; a ``fatal`` one means that the object cannot be registered."""

    code: str
    detail: str
    fatal: bool


def check(parsed: ParsedFile) -> list[Problem]:
    """Everything wrong with the object, fatal findings first; empty for a sound one."""
    problems = [*_identity(parsed), *_syntax(parsed)]
    if parsed.has_pixels:
        problems += _pixels(parsed)
    return sorted(problems, key=lambda problem: not problem.fatal)


def check_transfer_syntax(parsed: ParsedFile, negotiated_uid: str) -> Problem | None:
    """Fatal when group 0002 names another transfer syntax than the association negotiated."""
    if parsed.transfer_syntax_uid == negotiated_uid:
        return None
    return Problem(
        "transfer_syntax_mismatch",
        f"group 0002 names {parsed.transfer_syntax_uid[:64]}, negotiated was {negotiated_uid[:64]}",
        fatal=True,
    )


def check_sop_instance(parsed: ParsedFile, sop_class_uid: str, sop_instance_uid: str) -> Problem | None:
    """Fatal when the data set is not the instance that the sender's command announced (PS3.4 annex B.2.3)."""
    read = ElementText(parsed.dataset)
    if read.text(0x00080018, 128) != sop_instance_uid:
        return Problem("sop_instance_mismatch", "another SOP instance UID than announced", fatal=True)
    if read.text(0x00080016, 128) != sop_class_uid:
        return Problem("sop_class_mismatch", "another SOP class UID than announced", fatal=True)
    return None


def _identity(parsed: ParsedFile) -> list[Problem]:
    try:
        found = header.read_header(
            parsed.dataset, transfer_syntax_uid=parsed.transfer_syntax_uid, has_pixels=parsed.has_pixels
        )
    except MissingIdentifier as error:
        return [Problem(error.code, error.detail, fatal=True)]
    problems = []
    if found.instance.sop_class_uid == uids.MEDIA_STORAGE_DIRECTORY:
        problems.append(Problem("media_directory", "a DICOMDIR is a catalogue, not an instance", fatal=True))
    if not found.patient.patient_id:
        problems.append(Problem("no_patient_id", "the patient ID is empty", fatal=False))
    if not found.series.modality:
        problems.append(Problem("no_modality", "the modality is empty", fatal=False))
    meta_uid = parsed.meta.media_storage_sop_instance_uid
    if meta_uid and meta_uid != found.instance.sop_instance_uid:
        problems.append(Problem("file_meta_mismatch", "group 0002 names another SOP instance", fatal=False))
    return problems


def _syntax(parsed: ParsedFile) -> list[Problem]:
    syntax = parsed.transfer_syntax_uid
    if not uids.is_known_transfer_syntax(syntax):
        return [Problem("unknown_transfer_syntax", f"{syntax[:64]} is no transfer syntax", fatal=True)]
    problems = []
    if not parsed.dataset:
        problems.append(Problem("empty", "the data set is empty", fatal=True))
    elif parsed.implicit_vr != (syntax == uids.IMPLICIT_VR_LITTLE_ENDIAN):
        problems.append(
            Problem("vr_encoding_mismatch", "the VR encoding is not that of the transfer syntax", fatal=False)
        )
    return problems


def _pixels(parsed: ParsedFile) -> list[Problem]:
    layout = pixel_module.Layout.of(parsed)
    problems = []
    if layout.frame_bytes > MAX_FRAME_BYTES or layout.total_bytes > MAX_PIXEL_BYTES:
        problems.append(Problem("pixel_overflow", f"{layout.total_bytes} bytes of pixels are promised", fatal=True))
    if layout.encapsulated != uids.is_encapsulated(parsed.transfer_syntax_uid):
        state = "encapsulated" if layout.encapsulated else "native"
        problems.append(Problem("encapsulation_mismatch", f"{state} pixels in this transfer syntax", fatal=True))
    elif not layout.encapsulated:
        problems += _native_pixels(parsed, layout)
    if not layout.frame_bits:
        problems.append(Problem("no_pixel_description", "rows, columns or bits allocated are missing", fatal=False))
    return problems


def _native_pixels(parsed: ParsedFile, layout: pixel_module.Layout) -> list[Problem]:
    promised, stated = layout.total_bytes, parsed.pixel_data_length or 0
    present = parsed.data_end - (parsed.pixel_data_offset or 0)
    if stated > present:
        return [Problem("truncated_pixels", f"{stated} bytes of pixels stated, {max(present, 0)} there", fatal=True)]
    if promised > stated:
        return [Problem("truncated_pixels", f"{promised} bytes of pixels promised, {stated} there", fatal=True)]
    if promised and stated > promised + 1:
        return [Problem("excess_pixels", f"{promised} bytes of pixels promised, {stated} there", fatal=False)]
    return []
