"""Metadata in XML, the Native DICOM Model (PS3.19 annex A.1), as the DICOM JSON object that says the same. Pure.

Parsed by ``defusedxml``: no document type, no entities, nothing is fetched.
"""

from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from imaging.dicomweb.store_metadata import BadMetadata

#: A tree of elements takes some ten times the text.
XML_OCTETS: Final = 4 * 1024 * 1024
_DEPTH: Final = 32
_NAME_PARTS: Final = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")
_NAME_GROUPS: Final = ("Alphabetic", "Ideographic", "Phonetic")

Dataset = dict[str, dict[str, Any]]


def read_xml(content: bytes) -> Dataset:
    """Read the one data set of a part. Raises ``BadMetadata``."""
    try:
        root = fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise BadMetadata("not XML, or with a document type") from error
    if _name(root) != "NativeDicomModel":
        raise BadMetadata("not a Native DICOM Model")
    return _dataset(root, 0)


def _name(node: Element) -> str:
    return str(node.tag).rpartition("}")[2]


def _dataset(parent: Element, depth: int) -> Dataset:
    if depth > _DEPTH:
        raise BadMetadata("sequences are nested too deeply")
    found: Dataset = {}
    blocks: dict[str, dict[str, int]] = {}
    for node in parent:
        if _name(node) != "DicomAttribute":
            raise BadMetadata("something else than an attribute in a data set")
        tag = _tag(node, blocks, found)
        if tag in found:
            raise BadMetadata("an attribute stands twice")
        found[tag] = {"vr": node.get("vr", "")[:2], **_content(node, depth)}
    return found


def _tag(node: Element, blocks: dict[str, dict[str, int]], found: Dataset) -> str:
    """The tag in capitals; a private one in the block of its creator, which is reserved here (PS3.5 section 7.8.1)."""
    tag = node.get("tag", "").upper()
    creator = node.get("privateCreator", "")
    if not creator or len(tag) != 8 or not tag.startswith(tag[:4] + "00"):
        return tag
    reserved = blocks.setdefault(tag[:4], {})
    block = reserved.setdefault(creator, 0x10 + len(reserved))
    if block > 0xFF:
        raise BadMetadata("too many private creators")
    found.setdefault(f"{tag[:4]}00{block:02X}", {"vr": "LO", "Value": [creator]})
    return f"{tag[:4]}{block:02X}{tag[6:]}"


def _content(node: Element, depth: int) -> dict[str, Any]:
    kinds = {_name(child) for child in node}
    if not kinds:
        return {}
    if len(kinds) > 1:
        raise BadMetadata("an attribute with values of several kinds")
    kind = kinds.pop()
    if kind == "InlineBinary":
        return {"InlineBinary": "".join(node[0].itertext())}
    if kind == "BulkData":
        return {"BulkDataURI": node[0].get("uri") or node[0].get("uuid") or ""}
    if kind == "Value":
        return {"Value": [child.text for child in _in_order(node)]}
    if kind == "PersonName":
        return {"Value": [_person_name(child) for child in _in_order(node)]}
    if kind == "Item":
        return {"Value": [_dataset(child, depth + 1) for child in _in_order(node)]}
    raise BadMetadata("an attribute with something unknown in it")


def _in_order(node: Element) -> list[Element]:
    """The values by their number, which starts with 1; without one, as they stand."""
    children = list(node)
    numbers = [child.get("number", "") for child in children]
    if not all(number.isdecimal() and len(number) < 9 for number in numbers):
        return children
    return sorted(children, key=lambda child: int(child.get("number", "0")))


def _person_name(node: Element) -> dict[str, str]:
    found = {}
    for group in node:
        name = _name(group)
        if name not in _NAME_GROUPS:
            raise BadMetadata("a person name with something unknown in it")
        parts = {_name(part): part.text or "" for part in group}
        found[name] = "^".join(parts.get(part, "") for part in _NAME_PARTS).rstrip("^")
    return found
