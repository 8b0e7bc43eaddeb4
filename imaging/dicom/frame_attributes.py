"""Reads the values of a ``FrameDescription`` out of a data set, functional groups first (PS3.3 C.7.6.16)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from imaging.dicom import lookup_table
from imaging.dicom.element_text import ElementText, stored
from imaging.dicom.errors import UnsupportedPixels
from imaging.dicom.lookup_table import LookupTable

SHARED_GROUPS, PER_FRAME_GROUPS = 0x52009229, 0x52009230
_PIXEL_VALUE_TRANSFORMATION, _FRAME_VOI_LUT = 0x00289145, 0x00289132
_MODALITY_LUT_SEQUENCE, _VOI_LUT_SEQUENCE = 0x00283000, 0x00283010
_FLOATS = {0x7FE00008: "float", 0x7FE00009: "double"}

#: What ``from_json`` takes over; the rest of an instance's metadata says nothing about its pixels.
_JSON_TAGS = frozenset(
    f"{tag:08X}"
    for tag in (
        *(
            0x00280000 + low
            for low in (0x02, 0x04, 0x06, 0x08, 0x10, 0x11, 0x0100, 0x0101, 0x0102, 0x0103, 0x0120, 0x0121)
        ),
        *(0x00280000 + low for low in (0x1050, 0x1051, 0x1052, 0x1053, 0x1056, 0x1101, 0x1102, 0x1103)),
        *(0x00280000 + low for low in (0x1201, 0x1202, 0x1203, 0x1221, 0x1222, 0x1223, 0x3000, 0x3010)),
        *(0x20500020, SHARED_GROUPS, PER_FRAME_GROUPS),
    )
)


def from_json(instance: dict[str, Any], frame_number: int = 1) -> Dataset:
    """A data set of the attributes in ``instance`` that describe its pixels, with the groups of one frame only."""
    try:
        kept = {tag: value for tag, value in instance.items() if tag in _JSON_TAGS}
        groups = kept.get(f"{PER_FRAME_GROUPS:08X}")
        if groups:
            kept[f"{PER_FRAME_GROUPS:08X}"] = {
                "vr": "SQ",
                "Value": groups.get("Value", [])[frame_number - 1 : frame_number],
            }
        return _dataset(kept)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnsupportedPixels("the metadata do not describe pixels", code="no_pixel_description") from error


def _dataset(kept: dict[str, Any]) -> Dataset:
    """The attributes as a data set; those whose value is none of their VR are left out, as if they were empty."""
    try:
        return Dataset.from_json(kept)
    except (ValueError, TypeError, KeyError, AttributeError):
        whole = Dataset()
        for tag, element in kept.items():
            try:
                whole.update(Dataset.from_json({tag: element}))
            except (ValueError, TypeError, KeyError, AttributeError):
                continue
        return whole


def read(dataset: Dataset, frame_number: int) -> dict[str, Any]:
    """Keyword arguments of ``FrameDescription``."""
    top = ElementText(dataset)
    bits = top.integer(0x00280100) or 0
    sample_type = _sample_type(dataset, bits)
    bits_stored = top.integer(0x00280101) or bits
    representation = 1 if top.integer(0x00280103) == 1 else 0
    scopes = [dataset, *_group_items(dataset, frame_number)]
    return {
        "rows": top.integer(0x00280010) or 0,
        "columns": top.integer(0x00280011) or 0,
        "samples_per_pixel": top.integer(0x00280002) or 1,
        "bits_allocated": bits,
        "bits_stored": bits_stored,
        "high_bit": _or(top.integer(0x00280102), bits_stored - 1),
        "pixel_representation": representation,
        "planar_configuration": 1 if top.integer(0x00280006) == 1 else 0,
        "photometric_interpretation": top.text(0x00280004, 16) or "MONOCHROME2",
        "number_of_frames": max(top.integer(0x00280008) or 1, 1),
        "sample_type": sample_type,
        "palette": _palette(dataset),
        "modality_lut": _first_table(scopes, _MODALITY_LUT_SEQUENCE, representation == 1),
        "voi_lut": _first_table(scopes, _VOI_LUT_SEQUENCE, representation == 1),
        "presentation_lut_shape": top.text(0x20500020, 16),
        "padding": _padding(top, representation, bits_stored),
        **_rescale(scopes),
        **_window(scopes),
    }


def _sample_type(dataset: Dataset, bits: int) -> str:
    """Float pixel data have no Pixel Representation (PS3.3 C.7.6.24), which tells them even when the pixels were not read."""
    named = next((name for tag, name in _FLOATS.items() if tag in dataset), "")
    if named or 0x00280103 in dataset or 0x7FE00010 in dataset:
        return named or "integer"
    return {32: "float", 64: "double"}.get(bits, "integer")


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _group_items(dataset: Dataset, frame_number: int) -> Iterator[Dataset]:
    """Pixel value and VOI items of the functional groups: those of the frame after the shared ones, so that they win."""
    shared = _items(dataset, SHARED_GROUPS)[:1]
    own = _items(dataset, PER_FRAME_GROUPS)[frame_number - 1 : frame_number]
    for group in (*shared, *own):
        for tag in (_PIXEL_VALUE_TRANSFORMATION, _FRAME_VOI_LUT):
            yield from _items(group, tag)[:1]


def _items(dataset: Dataset, tag: int) -> list[Dataset]:
    if BaseTag(tag) not in dataset:
        return []
    value = dataset[BaseTag(tag)].value
    return list(value) if dataset[BaseTag(tag)].VR == "SQ" and value else []


def _rescale(scopes: list[Dataset]) -> dict[str, float]:
    slope, intercept = 1.0, 0.0
    for scope in scopes:
        text = ElementText(scope)
        found = text.floats(0x00281053, 1), text.floats(0x00281052, 1)
        if found[0] or found[1]:
            slope = found[0][0] if found[0] and found[0][0] else 1.0
            intercept = found[1][0] if found[1] else 0.0
    return {"rescale_slope": slope, "rescale_intercept": intercept}


def _window(scopes: list[Dataset]) -> dict[str, Any]:
    values: dict[str, Any] = {"window": None, "voi_function": "LINEAR"}
    for scope in scopes:
        text = ElementText(scope)
        centre, width = text.number(0x00281050), text.number(0x00281051)
        if centre is not None and width is not None and width > 0:
            values["window"] = (centre, width)
            function = text.text(0x00281056, 16)
            values["voi_function"] = function if function in {"LINEAR_EXACT", "SIGMOID"} else "LINEAR"
    return values


def _padding(top: ElementText, representation: int, stored: int) -> tuple[int, int] | None:
    value = top.integer(0x00280120)
    if value is None:
        return None
    limit = _or(top.integer(0x00280121), value)
    if representation == 1:
        value, limit = _signed(value, stored), _signed(limit, stored)
    return min(value, limit), max(value, limit)


def _signed(value: int, bits: int) -> int:
    """A padding value that was written as unsigned although pixels are signed."""
    return value - (1 << 16) if value >= 1 << 15 and bits <= 16 else value


def _first_table(scopes: list[Dataset], sequence: int, signed: bool) -> LookupTable | None:
    for scope in scopes:
        for item in _items(scope, sequence)[:1]:
            descriptor, data, little = _numbers(item, 0x00283002), _bytes(item, 0x00283006), _little(item, 0x00283006)
            if descriptor and data:
                return lookup_table.build(descriptor, data, little_endian=little, signed=signed)
    return None


def _palette(dataset: Dataset) -> tuple[LookupTable, LookupTable, LookupTable] | None:
    tables = []
    for channel in (1, 2, 3):
        descriptor = _numbers(dataset, 0x00281100 + channel)
        plain, segmented = 0x00281200 + channel, 0x00281220 + channel
        if data := _bytes(dataset, plain):
            tables.append(lookup_table.build(descriptor, data, little_endian=_little(dataset, plain)))
        elif data := _bytes(dataset, segmented):
            tables.append(lookup_table.build_segmented(descriptor, data, little_endian=_little(dataset, segmented)))
    return (tables[0], tables[1], tables[2]) if len(tables) == 3 else None


def _numbers(dataset: Dataset, tag: int) -> list[int]:
    """The 16-bit words of a descriptor, unsigned."""
    data = _bytes(dataset, tag)
    dtype = "<u2" if _little(dataset, tag) else ">u2"
    words: list[int] = np.frombuffer(data[: len(data) // 2 * 2], dtype=dtype).tolist()
    return words


def _bytes(dataset: Dataset, tag: int) -> bytes:
    element = stored(dataset, tag)
    if element is None:
        return b""
    value = element.value
    if value is None or isinstance(value, (bytes, bytearray)):
        return bytes(value or b"")
    if isinstance(element, RawDataElement) or isinstance(value, str):
        return b""
    numbers = [value] if isinstance(value, int) else list(value)
    return np.asarray([number & 0xFFFF for number in numbers if isinstance(number, int)], dtype="<u2").tobytes()


def _little(dataset: Dataset, tag: int) -> bool:
    element = stored(dataset, tag)
    return element.is_little_endian if isinstance(element, RawDataElement) else True
