"""Cleaned values out of a data set for ``header``: every length bounded, nothing trusted."""

from __future__ import annotations

import math
import re
from typing import Any

from pydicom.dataset import Dataset

from imaging.dicom import person_name, uids
from imaging.dicom.element_text import ElementText
from imaging.dicom.errors import MissingIdentifier

_CODE = 16
_LONG = 64
_NAME = 324  # three groups of 64 characters by the standard; older ones had five times that
_TEXT = 1024
_MAX_FRAMES = 2**31 - 1
_OFFSET = re.compile(r"[+-]\d{4}")
_PIXEL_TAGS = (0x7FE00010, 0x7FE00008, 0x7FE00009)


class HeaderReader:
    """The four levels of one data set as keyword arguments of their dataclasses."""

    def __init__(self, dataset: Dataset) -> None:
        """Keep the data set; nothing is converted in it."""
        self._dataset = dataset
        self._read = ElementText(dataset)

    def patient(self) -> dict[str, Any]:
        """Arguments of ``PatientHeader``."""
        read = self._read
        name = read.text(0x00100010, _NAME)
        return {
            "patient_id": read.text(0x00100020, _LONG),
            "issuer_of_patient_id": read.text(0x00100021, _LONG),
            "patient_name": name,
            "family_name": person_name.family(name),
            "given_name": person_name.given(name),
            "name_norm": person_name.normalised(name)[:_NAME],
            "birth_date": read.date(0x00100030),
            "sex": read.text(0x00100040, _CODE),
        }

    def study(self) -> dict[str, Any]:
        """Arguments of ``StudyHeader``. Raises ``MissingIdentifier``."""
        read = self._read
        offset = read.text(0x00080201, _CODE)
        return {
            "study_instance_uid": self._uid(0x0020000D, "study instance"),
            "accession_number": read.text(0x00080050, _CODE * 2),
            "study_id": read.text(0x00200010, _CODE),
            "study_at": read.moment(0x00080020, 0x00080030),
            "timezone_offset": offset if _OFFSET.fullmatch(offset) else "",
            "description": read.text(0x00081030, _LONG),
            "referring_physician_name": read.text(0x00080090, _NAME),
            "institutional_department_name": read.text(0x00081040, _LONG),
            "requesting_service": read.text(0x00321033, _LONG),
        }

    def series(self) -> dict[str, Any]:
        """Arguments of ``SeriesHeader``. Raises ``MissingIdentifier``."""
        read = self._read
        frame_of_reference = read.text(0x00200052, _LONG)
        return {
            "series_instance_uid": self._uid(0x0020000E, "series instance"),
            "modality": read.text(0x00080060, _CODE).upper(),
            "series_number": read.integer(0x00200011),
            "description": read.text(0x0008103E, _LONG),
            "body_part_examined": read.text(0x00180015, _CODE),
            "laterality": read.text(0x00200060, _CODE) or read.text(0x00200062, _CODE),
            "station_name": read.text(0x00081010, _CODE),
            "protocol_name": read.text(0x00181030, _LONG),
            "frame_of_reference_uid": frame_of_reference if uids.is_valid_uid(frame_of_reference) else "",
            "institution_name": read.text(0x00080080, _LONG),
        }

    def instance(self, transfer_syntax_uid: str, has_pixels: bool | None) -> dict[str, Any]:
        """Arguments of ``InstanceHeader``. Raises ``MissingIdentifier``."""
        read = self._read
        if not transfer_syntax_uid and (meta := getattr(self._dataset, "file_meta", None)) is not None:
            transfer_syntax_uid = str(meta.get("TransferSyntaxUID", ""))
        if has_pixels is None:
            # A data set that stopped before its pixels still says how many there are.
            has_pixels = any(tag in self._dataset for tag in _PIXEL_TAGS) or bool(read.integer(0x00280010))
        return {
            "sop_instance_uid": self._uid(0x00080018, "SOP instance"),
            "sop_class_uid": self._uid(0x00080016, "SOP class"),
            "instance_number": read.integer(0x00200013),
            "number_of_frames": self._frames(has_pixels),
            "rows": max(read.integer(0x00280010) or 0, 0),
            "columns": max(read.integer(0x00280011) or 0, 0),
            "bits_allocated": max(read.integer(0x00280100) or 0, 0),
            "samples_per_pixel": max(read.integer(0x00280002) or 0, 0),
            "photometric_interpretation": read.text(0x00280004, _CODE),
            "transfer_syntax_uid": transfer_syntax_uid[:_LONG],
            "image_position_along_normal": self._position_along_normal(),
            "has_pixels": has_pixels,
            "character_set": read.character_set,
        }

    def _uid(self, tag: int, name: str) -> str:
        value = self._read.text(tag, _TEXT)
        if not uids.is_valid_uid(value):
            raise MissingIdentifier(f"the {name} UID is {'no UID' if value else 'missing'}")
        return value

    def _frames(self, has_pixels: bool) -> int:
        number = self._read.integer(0x00280008)
        if number is None or number < 1:
            return 1 if has_pixels else 0
        return min(number, _MAX_FRAMES)

    def _position_along_normal(self) -> float | None:
        """Image Position · (row direction x column direction), in mm: the order of slices (PS3.3 C.7.6.2.1.1)."""
        position = self._read.floats(0x00200032, 3)
        cosines = self._read.floats(0x00200037, 6)
        if not position or not cosines:
            return None
        row, column = cosines[:3], cosines[3:]
        normal = (
            row[1] * column[2] - row[2] * column[1],
            row[2] * column[0] - row[0] * column[2],
            row[0] * column[1] - row[1] * column[0],
        )
        along = sum(a * b for a, b in zip(position, normal, strict=True))
        return along if math.isfinite(along) else None
