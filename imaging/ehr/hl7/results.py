"""Results and documents, read: whose study, how far, what is said, and the paper in it (ORU: HL7 v2.5.1 chapter 7; MDM: chapter 9)."""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from imaging.ehr.hl7.message import NULL, Message
from imaging.ehr.hl7.refusals import Code, Refused


class Status(StrEnum):
    """How far a report is."""

    NOTHING = "nothing"
    PRELIMINARY = "preliminary"
    FINAL = "final"
    CORRECTED = "corrected"
    ADDED = "added"
    WITHDRAWN = "withdrawn"


class Audience(StrEnum):
    """From whom a report may be kept back (ANS CI-SIS, transport of a CDA document by HL7 v2: metadata of the DMP)."""

    PROFESSIONALS = "professionals"
    PATIENT = "patient"
    PROXIES = "proxies"


#: OBR-25 (table 0123) and OBX-11 (table 0085).
_RESULTS: Final = {
    **dict.fromkeys(("O", "I", "S"), Status.NOTHING),
    **dict.fromkeys(("P", "A", "R", "B"), Status.PRELIMINARY),
    **dict.fromkeys(("F", "U"), Status.FINAL),
    **dict.fromkeys(("C", "K", "M"), Status.CORRECTED),
    **dict.fromkeys(("X", "D", "W", "N"), Status.WITHDRAWN),
}
_GONE: Final = frozenset({"D", "W", "X"})
#: MDM by its event: original, its new status, addendum, edit, replacement, cancellation. What has no content says nothing here.
_DOCUMENTS: Final = {
    **dict.fromkeys(("T01", "T03", "T05", "T07", "T09"), Status.NOTHING),
    **dict.fromkeys(("T02", "T04"), Status.FINAL),
    "T06": Status.ADDED,
    **dict.fromkeys(("T08", "T10"), Status.CORRECTED),
    "T11": Status.WITHDRAWN,
}
#: TXA-17 (table 0271): not authenticated yet.
_UNSIGNED: Final = frozenset({"DI", "DO", "IN", "IP", "PA"})
_TEXTS: Final = frozenset({"", "FT", "TX", "ST", "CE", "CWE"})
_STUDY_UID: Final = "113014"
#: Beginnings of OBX-3.1; what stands in OBX-5.1 is a yes or a no in either language.
_MARKS: Final = {
    "MASQUE_PS": Audience.PROFESSIONALS,
    "INVISIBLE_PATIENT": Audience.PATIENT,
    "INVISIBLE_REP": Audience.PROXIES,
}
_YES: Final = frozenset({"Y", "YES", "O", "OUI", "1", "TRUE"})
_NO: Final = frozenset({"N", "NO", "NON", "0", "FALSE"})
_BLANKS: Final = re.compile(r"\s+|\\\.br\\|\\X(?:0[DA])+\\", re.IGNORECASE)
_XML: Final = re.compile(r"xml|cda", re.IGNORECASE)


@dataclass(slots=True)
class Text:
    """Words under one heading: its code, its name, the words."""

    code: str
    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one OBR, or one MDM, says. Empty numbers are absent; ``interpreter`` is a DICOM name (PN), ``at`` as sent."""

    status: Status
    study_uids: tuple[str, ...] = ()
    accession: str = ""
    placer: str = ""
    filler: str = ""
    at: str = ""
    interpreter: str = ""
    title: str = ""
    texts: Sequence[Text] = field(default_factory=tuple)
    paper: bytes | None = None
    clinical: bytes | None = None
    #: From whom it is kept back (True), or not any more (False), as far as the message says.
    hidden_from: Mapping[Audience, bool] = field(default_factory=dict)


def results(message: Message) -> list[Result]:
    """Every OBR of an ORU. One without observations has those of the first: procedures that were read together. Raises ``Refused``."""
    groups = message.groups("OBR")
    if not groups:
        raise Refused(Code.SEGMENT_ORDER, "OBR^1", "There is no OBR segment.")
    shared = next((group for group in groups if group.has("OBX")), groups[0])
    return [_result(message, group, group if group.has("OBX") else shared) for group in groups]


def document(message: Message) -> Result:
    """An MDM. Raises ``Refused``."""
    if message.event not in _DOCUMENTS:
        raise Refused(Code.EVENT, "MSH^1^9", "This event is not read here.")
    if not message.has("TXA"):
        raise Refused(Code.SEGMENT_ORDER, "TXA^1", "There is no TXA segment.")
    status = _DOCUMENTS[message.event]
    if status is Status.FINAL and message.text("TXA", 17).upper() in _UNSIGNED:
        status = Status.PRELIMINARY
    placer, filler = _value(message, "TXA", 14), _value(message, "TXA", 15)
    values = _said(message, status)
    return Result(
        status=status,
        study_uids=_study_uids(message),
        accession=_value(message, "OBR", 18) or filler,
        placer=placer or _value(message, "ORC", 2) or _value(message, "OBR", 2),
        filler=filler or _value(message, "ORC", 3) or _value(message, "OBR", 3),
        at=message.text("TXA", 22, 15) or message.text("TXA", 4) or message.headline.part(7),
        interpreter=_person(message, "TXA", (22, 10, 9, 5)),
        title=_value(message, "TXA", 16) or _value(message, "OBR", 4, 2),
        texts=values.texts,
        paper=values.paper,
        clinical=values.clinical,
        hidden_from=_hidden_from(message),
    )


def _result(message: Message, group: Message, observed: Message) -> Result:
    status = _status(group, observed)
    values = _said(observed, status)
    return Result(
        status=status,
        study_uids=_study_uids(observed) if observed is group else (),
        accession=_value(group, "OBR", 18),
        placer=_value(group, "OBR", 2) or _value(message, "ORC", 2),
        filler=_value(group, "OBR", 3) or _value(message, "ORC", 3),
        at=group.text("OBR", 22) or observed.text("OBX", 14) or message.headline.part(7),
        interpreter=_person(group, "OBR", (32,)) or _person(observed, "OBX", (16,)),
        title=_value(group, "OBR", 4, 2) or _value(group, "OBR", 4, 5),
        texts=values.texts,
        paper=values.paper,
        clinical=values.clinical,
        hidden_from=_hidden_from(observed),
    )


def _status(group: Message, observed: Message) -> Status:
    count = observed.count("OBX")
    told = [observed.text("OBX", 11, number=number).upper() for number in range(1, count + 1)]
    if told and all(each in _GONE for each in told):
        return Status.WITHDRAWN
    found = _RESULTS.get(group.text("OBR", 25).upper())
    if found is None:
        found = next((_RESULTS[each] for each in told if each in _RESULTS), None)
    if found is None:
        raise Refused(Code.NOT_IN_TABLE, "OBR^1^25", "How far the report is, is not said.")
    return found


@dataclass(slots=True)
class _Values:
    texts: list[Text] = field(default_factory=list)
    paper: bytes | None = None
    clinical: bytes | None = None


def _said(message: Message, status: Status) -> _Values:
    """The observations that are words or papers. Deleted ones are passed over; of what is taken back the words may say why."""
    found = _Values()
    if status is Status.NOTHING:
        return found
    is_withdrawn = status is Status.WITHDRAWN
    for number in range(1, message.count("OBX") + 1):
        if not is_withdrawn and message.text("OBX", 11, number=number).upper() in _GONE:
            continue
        kind = message.text("OBX", 2, number=number).upper()
        if kind == "ED" and not is_withdrawn:
            _take_paper(message, number, found)
        elif kind in _TEXTS and message.text("OBX", 3, number=number) != _STUDY_UID and not _audience(message, number):
            _take_text(message, number, kind, found)
    return found


def _audience(message: Message, number: int) -> Audience | None:
    """Of whom an observation speaks that is no word of the report, but says who is to see it."""
    code = message.text("OBX", 3, number=number).upper()
    return next((audience for beginning, audience in _MARKS.items() if code.startswith(beginning)), None)


def _hidden_from(message: Message) -> dict[Audience, bool]:
    """What is said of who may see it (FR-5). Raises ``Refused`` for what is neither yes nor no: it may not be passed over."""
    found = {}
    for number in range(1, message.count("OBX") + 1):
        audience = _audience(message, number)
        if audience is None:
            continue
        value = message.text("OBX", 5, number=number).upper()
        if value not in _YES | _NO:
            raise Refused(Code.NOT_IN_TABLE, "OBX^1^5", "Whether the report is hidden is neither yes nor no.")
        found[audience] = value in _YES
    return found


def _take_text(message: Message, number: int, kind: str, found: _Values) -> None:
    component = 2 if kind in {"CE", "CWE"} else 1
    text = message.lines("OBX", 5, component, number=number) or message.lines("OBX", 5, number=number)
    if not text or text == NULL:
        return
    code = message.text("OBX", 3, sub=2, number=number) or message.text("OBX", 3, number=number)
    title = message.text("OBX", 3, 2, number=number)
    last = found.texts[-1] if found.texts else None
    if last is not None and (last.code, last.title) == (code, title):
        # One line an observation, as many systems send them.
        last.text = f"{last.text}\n{text}"
    else:
        found.texts.append(Text(code, title, text))


def _take_paper(message: Message, number: int, found: _Values) -> None:
    """ED (section 2.A.24): a PDF, or a CDA document, in Base64."""
    kinds = " ".join(message.text("OBX", 5, part, number=number) for part in (2, 3))
    content = _decoded(message, number)
    if content.startswith(b"%PDF-"):
        found.paper = content
    elif _XML.search(kinds) or content.lstrip()[:1] == b"<":
        found.clinical = content
    else:
        raise Refused(Code.DATA_TYPE, "OBX^1^5", "The document is neither a PDF nor a CDA document.")


def _decoded(message: Message, number: int) -> bytes:
    if message.text("OBX", 5, 4, number=number).upper() not in {"BASE64", ""}:
        raise Refused(Code.FIELD_MISSING, "OBX^1^5", "The document is not in Base64.")
    text = message.octets("OBX", 5, 5, number=number)
    try:
        content = _plain(text) or binascii.a2b_base64(_BLANKS.sub("", text), strict_mode=True)
    except ValueError:
        raise Refused(Code.FIELD_MISSING, "OBX^1^5", "The document cannot be read: its Base64 is damaged.") from None
    if not content:
        raise Refused(Code.FIELD_MISSING, "OBX^1^5", "The document is empty.")
    return content


def _plain(text: str) -> bytes | None:
    """Base64 without a break in it, as most send it: decoded without a copy of its twenty megabytes."""
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        return None


def _study_uids(message: Message) -> tuple[str, ...]:
    found = [
        message.text("OBX", 5, number=number)
        for number in range(1, message.count("OBX") + 1)
        if message.text("OBX", 3, number=number) == _STUDY_UID
    ]
    return tuple(dict.fromkeys(filter(None, [*found, message.text("ZDS", 1), message.text("IPC", 3)])))


def _person(message: Message, segment: str, fields: Sequence[int]) -> str:
    """The first named person of these fields: XCN, or NDL, whose first component holds the parts (sections 2.A.88, 2.A.47)."""
    for number in fields:
        family, given = message.text(segment, number, 1, sub=2), message.text(segment, number, 1, sub=3)
        if not family:
            family, given = message.text(segment, number, 2), message.text(segment, number, 3)
        if family and family != NULL:
            return "^".join(part.replace("^", " ") for part in (family, given) if part)
    return ""


def _value(message: Message, segment: str, number: int, component: int = 1) -> str:
    found = message.text(segment, number, component)
    return "" if found == NULL else found
