"""DICOM JSON (PS3.18 annex F) of one instance, straight from the undecoded elements."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

import numpy as np
import orjson
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset

from imaging.dicom import charset, json_values, vr
from imaging.dicom.element_parser import CHARACTER_SET, PIXEL_TAGS
from imaging.dicom.element_text import ElementText
from imaging.dicom.part10 import BulkValue, ParsedFile

BulkUri = Callable[[str], str]

#: Palette and LUT data: viewers need them with the metadata, however long.
_ALWAYS_INLINE = frozenset({*range(0x00281201, 0x00281204), *range(0x00281221, 0x00281224), 0x00283006})
_first = itemgetter(0)
_UTF_8 = {"vr": "CS", "Value": ["ISO_IR 192"]}


def to_json(
    parsed: ParsedFile | Dataset,
    *,
    bulk_uri: BulkUri | None = None,
    inline_limit: int = 65536,
) -> bytes:
    """One JSON object in UTF-8, without group 0002 and without the pixels.

    Binary values of more than ``inline_limit`` bytes become a ``BulkDataURI`` made by ``bulk_uri`` out of the value's path
    (``00420011``, ``54000100/1/54001010``: tag, item counted from 0, tag); without ``bulk_uri`` they stay away. Tables
    of palettes and LUTs are always inline. Texts are Unicode whatever Specific Character Set was, which therefore reads
    ``ISO_IR 192``. Nothing in a data set makes this fail: what has no valid form is given as text, binary or null.
    """
    dataset, bulk = (parsed.dataset, parsed.bulk) if isinstance(parsed, ParsedFile) else (parsed, {})
    writer = _Writer(bulk_uri, inline_limit, bulk)
    return orjson.dumps(writer.dataset(dataset, charset.UNDECLARED, ""))


class _Writer:
    """Turns data sets into plain values for one answer."""

    def __init__(self, bulk_uri: BulkUri | None, inline_limit: int, bulk: Mapping[str, BulkValue]) -> None:
        self._bulk_uri = bulk_uri
        self._inline_limit = inline_limit
        self._bulk = bulk

    def dataset(self, dataset: Dataset, encodings: charset.Encodings, path: str) -> dict[str, Any]:
        """All elements in ascending order of tags."""
        written: dict[str, Any] = {}
        # Plain integers: comparing pydicom's tags costs more than writing the elements.
        for number, element in sorted(((int(tag), element) for tag, element in dataset.items()), key=_first):
            if number in PIXEL_TAGS and not path:
                continue
            key = f"{number:08X}"
            if number == CHARACTER_SET:
                encodings = charset.encodings(ElementText(dataset).character_set.split("\\"))
                written[key] = _UTF_8
            elif isinstance(element, RawDataElement):
                written[key] = self._raw(dataset, element, encodings, path + key)
            else:
                written[key] = self._converted(element, encodings, path + key)
        return written

    def _raw(
        self, dataset: Dataset, element: RawDataElement, encodings: charset.Encodings, path: str
    ) -> dict[str, Any]:
        name = element.VR or vr.lookup(element.tag)
        if name == "SQ" or " or " in name:
            # Only in data sets that pydicom read itself: it then also finds the one VR of an ambiguous element.
            return self._converted(dataset[element.tag], encodings, path)
        value = element.value or b""
        values: list[Any] | None
        if not value:
            return self._unread(name, path)
        if name in json_values.WORDS:
            return self._binary(element.tag, name, _little_endian(value, name, element.is_little_endian), path)
        if name in json_values.NUMBERS:
            values = json_values.numbers(value, name, element.is_little_endian)
        elif name == "AT":
            values = json_values.tags(value, element.is_little_endian)
        else:
            values = json_values.text(value, name, encodings)
        if values is None:
            # A length that does not fit the VR: bytes, as for any unknown VR.
            return self._binary(element.tag, "UN", value, path)
        return {"vr": name, "Value": values} if values else {"vr": name}

    def _unread(self, name: str, path: str) -> dict[str, Any]:
        """An empty value, or one that was too big to be read."""
        found = self._bulk.get(path) if self._bulk else None
        if found is None:
            return {"vr": name}
        return {"vr": found.vr, "BulkDataURI": self._bulk_uri(path)} if self._bulk_uri else {"vr": found.vr}

    def _binary(self, tag: int, name: str, value: bytes, path: str) -> dict[str, Any]:
        if len(value) <= self._inline_limit or tag in _ALWAYS_INLINE:
            return {"vr": name, "InlineBinary": base64.b64encode(value).decode("ascii")}
        return {"vr": name, "BulkDataURI": self._bulk_uri(path)} if self._bulk_uri else {"vr": name}

    def _converted(self, element: DataElement, encodings: charset.Encodings, path: str) -> dict[str, Any]:
        if element.VR == "SQ":
            items = [
                self.dataset(item, encodings, f"{path}/{number}/") for number, item in enumerate(element.value or [])
            ]
            return {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}
        if element.VR in json_values.WORDS:
            return self._binary(element.tag, element.VR, bytes(element.value or b""), path)
        written: dict[str, Any] = element.to_json_dict(None, 0)
        return written


def _little_endian(value: bytes, name: str, is_little: bool) -> bytes:
    """Bulk values are little-endian in every answer (PS3.18 section 8.7.3)."""
    size = json_values.WORDS[name]
    if is_little or size == 1 or len(value) % size:
        return value
    return np.frombuffer(value, dtype=f">u{size}").astype(f"<u{size}").tobytes()
