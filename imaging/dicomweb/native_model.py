"""The Native DICOM Model (PS3.19 annex A.1): `application/dicom+xml`, written from the JSON model of PS3.18 annex F. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, tostring

from pydicom import datadict

_NAMESPACE: Final = "http://dicom.nema.org/PS3.19/models/NativeDICOM"
_COMPONENTS: Final = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")
#: What no XML document can hold (XML 1.0 section 2.2).
_NOT_XML = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")

Dataset = Mapping[str, Mapping[str, Any]]


def to_xml(found: Dataset) -> bytes:
    """One data set as a document in UTF-8."""
    root = Element("NativeDicomModel", {"xmlns": _NAMESPACE, "xml:space": "preserve"})
    _attributes(root, found)
    written: bytes = tostring(root, encoding="UTF-8", xml_declaration=True)
    return written


def _attributes(parent: Element, found: Dataset) -> None:
    for tag, attribute in sorted(found.items()):
        vr = str(attribute.get("vr", "UN"))
        named = {"tag": tag, "vr": vr}
        keyword = datadict.keyword_for_tag(int(tag, 16))
        node = SubElement(parent, "DicomAttribute", {**named, "keyword": keyword} if keyword else named)
        if "InlineBinary" in attribute:
            SubElement(node, "InlineBinary").text = str(attribute["InlineBinary"])
        if "BulkDataURI" in attribute:
            SubElement(node, "BulkData", {"uri": str(attribute["BulkDataURI"])})
        for number, value in _numbered(attribute):
            if vr == "SQ":
                _attributes(SubElement(node, "Item", {"number": number}), value or {})
            elif vr == "PN":
                _person(SubElement(node, "PersonName", {"number": number}), value or {})
            else:
                SubElement(node, "Value", {"number": number}).text = "" if value is None else _clean(value)


def _person(node: Element, groups: Mapping[str, str]) -> None:
    for group, text in groups.items():
        written = SubElement(node, group)
        for component, part in zip(_COMPONENTS, text.split("^", len(_COMPONENTS) - 1), strict=False):
            if part:
                SubElement(written, component).text = _clean(part)


def _clean(value: object) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", str(value))


def _numbered(attribute: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((str(number), value) for number, value in enumerate(attribute.get("Value", ()), 1))
