"""A CDA document (HL7 CDA release 2) as blocks of plain text: the narrative through a strict list, nothing of its markup kept.

The XML is a stranger's: no entity is expanded, no document type or other file is read, and what is not on the list gives
only its words. Links and pictures are never followed.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml import ElementTree, common

from imaging.dicom.errors import DicomError, Malformed

MAX_BYTES: Final = 8 * 1024 * 1024
MAX_DEPTH: Final = 60
MAX_NODES: Final = 50_000
_MAX_TEXT: Final = 100_000
_V3: Final = "{urn:hl7-org:v3}"

#: Narrative block (CDA R2 section 4.3.5) to ours. What is missing here gives its words only, or nothing.
_NARRATIVE: Final = {
    "content": "span",
    "linkHtml": "span",
    "sub": "sub",
    "sup": "sup",
    "br": "br",
    "paragraph": "p",
    "caption": "b",
    "list": "ul",
    "item": "li",
    "table": "table",
    "thead": "thead",
    "tbody": "tbody",
    "tfoot": "tfoot",
    "tr": "tr",
    "th": "th",
    "td": "td",
    "footnote": "small",
}
#: Not words: scripts and styles of those who write HTML into a narrative, and pictures.
_SILENT: Final = frozenset({"script", "style", "renderMultiMedia", "observationMedia", "object", "iframe", "svg"})
_EMPHASIS: Final = {"bold": "b", "italics": "i", "underline": "u", "emphasis": "i"}


@dataclass(slots=True)
class Block:
    """A piece of a document: ``name`` is one of the few of ``NAMES``, ``parts`` are texts and further pieces."""

    name: str
    parts: list[str | Block] = field(default_factory=list)
    spans: tuple[int, int] = (1, 1)


#: Every name that a block can have.
NAMES: Final = frozenset({*_NARRATIVE.values(), *_EMPHASIS.values(), "ol", "section", "h"})


@dataclass(frozen=True, slots=True)
class ClinicalDocument:
    """What a CDA document says of itself, and its sections."""

    title: str
    kind: str
    written_on: str
    patient: str
    authors: tuple[str, ...]
    language: str
    sections: tuple[Block, ...]
    has_other_body: bool


@dataclass(frozen=True, slots=True)
class OtherBody:
    """A body that is no narrative: its media type, and its text as it stands there."""

    media_type: str
    text: str


class NotClinical(DicomError):
    """The bytes are no CDA document that can be read."""

    default_code = "not_a_cda"


def read(data: bytes) -> ClinicalDocument:
    """The document. Raises ``NotClinical`` or ``Malformed`` (too large, too deep, entities, a document type)."""
    root = _parsed(data)
    if _local(root) != "ClinicalDocument":
        raise NotClinical("the XML is no clinical document")
    code = _child(root, "code")
    body = _path(root, "component", "structuredBody")
    sections = (
        [] if body is None else [part for part in (_path(c, "section") for c in _children(body, "component")) if part]
    )
    return ClinicalDocument(
        title=_words(_child(root, "title")),
        kind=(code.get("displayName", "") if code is not None else "")[:200],
        written_on=_moment(_child(root, "effectiveTime")),
        patient=_name(_path(root, "recordTarget", "patientRole", "patient", "name")),
        authors=tuple(filter(None, (_name(_author(author)) for author in _children(root, "author")[:10]))),
        language=_attribute(_child(root, "languageCode"), "code")[:20],
        sections=tuple(_section(section, 0) for section in sections),
        has_other_body=_path(root, "component", "nonXMLBody") is not None,
    )


def other_body(data: bytes) -> OtherBody | None:
    """What stands in place of a narrative, as Base64 (CDA R2 section 4.3.1.1). Raises as ``read``."""
    text = _path(_parsed(data), "component", "nonXMLBody", "text")
    if text is None or text.get("representation", "") != "B64":
        return None
    return OtherBody(text.get("mediaType", "").lower(), text.text or "")


def _parsed(data: bytes) -> Element:
    if len(data) > MAX_BYTES:
        raise Malformed("the document is too large", code="too_large")
    text = data.rstrip(b"\0 \r\n\t")
    depth = count = 0
    root: Element | None = None
    try:
        steps = ElementTree.iterparse(
            io.BytesIO(text), events=("start", "end"), forbid_dtd=True, forbid_entities=True, forbid_external=True
        )
        for event, element in steps:
            if event == "end":
                depth -= 1
                continue
            root = element if root is None else root
            depth, count = depth + 1, count + 1
            if depth > MAX_DEPTH or count > MAX_NODES:
                raise Malformed("the document is nested too deep, or has too many parts", code="too_deep")
    except common.DefusedXmlException as error:
        raise NotClinical("the document defines entities or a document type", code="forbidden_xml") from error
    except (ParseError, ValueError, LookupError) as error:
        raise NotClinical("the XML cannot be read") from error
    if root is None:
        raise NotClinical("the document is empty")
    return root


def _section(section: Element, depth: int) -> Block:
    parts: list[str | Block] = []
    title = _words(_child(section, "title"))
    if title:
        parts.append(Block("h", [title]))
    text = _child(section, "text")
    if text is not None:
        parts += _narrative(text)
    for component in _children(section, "component"):
        inner = _path(component, "section")
        if inner is not None and depth < 8:
            parts.append(_section(inner, depth + 1))
    return Block("section", parts)


def _narrative(element: Element) -> list[str | Block]:
    """Words and pieces inside an element, in their order."""
    parts: list[str | Block] = [_text(element.text)]
    for child in element:
        name = _local(child)
        if name in _NARRATIVE:
            parts.append(_block(child, name))
        elif name not in _SILENT:
            parts += _narrative(child)
        parts.append(_text(child.tail))
    return [part for part in parts if part]


def _block(element: Element, name: str) -> Block:
    made = _NARRATIVE[name]
    if name == "list" and element.get("listType", "").lower() == "ordered":
        made = "ol"
    elif name == "content":
        style = element.get("styleCode", "").lower().split()
        made = next((_EMPHASIS[word] for word in style if word in _EMPHASIS), "span")
    spans = (_span(element.get("colspan")), _span(element.get("rowspan"))) if name in {"td", "th"} else (1, 1)
    return Block(made, _narrative(element), spans)


def _span(value: str | None) -> int:
    return min(max(int(value), 1), 100) if value and value.isascii() and value.isdigit() and len(value) < 4 else 1


def _author(author: Element) -> Element | None:
    person = _path(author, "assignedAuthor", "assignedPerson", "name")
    return person if person is not None else _path(author, "assignedAuthor", "representedOrganization", "name")


def _name(element: Element | None) -> str:
    return re.sub(r"\s+", " ", " ".join(element.itertext())).strip()[:200] if element is not None else ""


def _words(element: Element | None) -> str:
    return re.sub(r"\s+", " ", "".join(element.itertext())).strip()[:500] if element is not None else ""


def _moment(element: Element | None) -> str:
    """An HL7 time stamp as far as it goes: 20110218, 201102181530+0100."""
    found = re.match(r"(\d{4})(\d{2})?(\d{2})?(?:(\d{2})(\d{2}))?", _attribute(element, "value"))
    if not found:
        return ""
    date, time = "-".join(filter(None, found.groups()[:3])), ":".join(filter(None, found.groups()[3:5]))
    return f"{date} {time}".strip()


def _attribute(element: Element | None, name: str) -> str:
    return element.get(name, "") if element is not None else ""


def _text(value: str | None) -> str:
    return re.sub(r"\s+", " ", value or "")[:_MAX_TEXT]


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _children(element: Element, name: str) -> list[Element]:
    return element.findall(f"{_V3}{name}")


def _child(element: Element, name: str) -> Element | None:
    return element.find(f"{_V3}{name}")


def _path(element: Element, *names: str) -> Element | None:
    found: Element | None = element
    for name in names:
        found = _child(found, name) if found is not None else None
    return found
