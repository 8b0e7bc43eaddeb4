"""All that one signed version of a report says, as frozen values: every document is made of this, and of nothing else.

Texts are data, never markup. They are cleaned once, when a value is made: what is signed is what is shown. Moments are aware,
in the zone of the hospital: documents show them as they stand here. PS3.16 TID 2000 and FHIR R4 DiagnosticReport name the
same things; the fields are enough for both.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
import uuid
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from imaging.dicom.wrapping.facts import Concept

#: Control characters but line feed, and the invisible ones that turn the direction of writing: a text must not disguise itself.
_UNWANTED: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_BREAKS: Final = re.compile(r"[\n\\]+")
_SURROGATES: Final = re.compile("[\ud800-\udfff]")
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"


def clean(text: str) -> str:
    """The text as it may be signed: NFC, line feeds alone, no control or direction characters, no half of a character."""
    plain = _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n").replace("\r", "\n"))
    return unicodedata.normalize("NFC", _UNWANTED.sub(" ", plain).rstrip())


class Kind(StrEnum):
    """What a version is, as ``ReportVersion.Kind`` names it."""

    PRELIMINARY = "preliminary"
    FINAL = "final"
    ADDENDUM = "addendum"
    CORRECTION = "correction"
    WITHDRAWAL = "withdrawal"


class _Cleaned:
    """Cleans every text of a value when it is made."""

    __slots__ = ()

    def __post_init__(self) -> None:
        for each in fields(self):  # type: ignore[arg-type]
            value: Any = getattr(self, each.name)
            if isinstance(value, str) and not isinstance(value, StrEnum):
                object.__setattr__(self, each.name, clean(value))
            elif isinstance(value, tuple) and value and isinstance(value[0], str):
                object.__setattr__(self, each.name, tuple(clean(item) for item in value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Code(_Cleaned, Concept):
    """A coded concept as it is signed: LOINC is ``LN``, UCUM ``UCUM``, SNOMED CT ``SCT``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead(_Cleaned):
    """Who sends the report: the hospital, its department, and the lines below (address, telephone)."""

    name: str
    department: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Person(_Cleaned):
    """Somebody who wrote, signed or asked. ``name`` is shown; ``person_name`` is the same as DICOM writes it (PN)."""

    name: str
    person_name: str = ""
    role: str = ""
    organisation: str = ""
    identifier: str = ""

    @property
    def written(self) -> str:
        """The name as a PN value of one writing; of somebody of whom only the shown name is known, that is the family name."""
        value = self.person_name.split("=", 1)[0] or self.name.replace("^", " ").replace("=", " ")
        written = _BREAKS.sub(" ", value)[:62].strip() or "?"
        # One component that is meant to be one (PS3.5 section 6.2.1).
        return written if "^" in written else f"{written}^"


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientOf(_Cleaned):
    """Whose report it is, as the archive knew the person at the signature. ``patient_name`` is a DICOM PN."""

    patient_name: str
    patient_id: str = ""
    issuer_of_patient_id: str = ""
    birth_date: date | None = None
    sex: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyOf(_Cleaned):
    """A study that the report is about. The first of a report is the one that its documents are kept in."""

    study_instance_uid: str
    accession_number: str = ""
    issuer_of_accession_number: str = ""
    study_at: datetime | None = None
    time_is_known: bool = True
    description: str = ""
    modalities: tuple[str, ...] = ()
    body_part: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order(_Cleaned):
    """The request that the report answers. ``procedure`` is the words of the catalogue in the report's language."""

    requester: Person | None = None
    requesting_department: str = ""
    procedure: str = ""
    procedure_code: Code | None = None
    requested_procedure_id: str = ""
    placer_order_number: str = ""
    filler_order_number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section(_Cleaned):
    """One heading and its text. ``code`` is a key of ``sections.HEADINGS``, or a word of the hospital's own template."""

    code: str
    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageReference(_Cleaned):
    """An image of the archive, and which frame of it (from 1)."""

    study_instance_uid: str
    series_instance_uid: str
    sop_class_uid: str
    sop_instance_uid: str
    frame: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement(_Cleaned):
    """A value with its unit: ``unit`` as shown, ``ucum`` as coded. ``value`` is a decimal in the C locale."""

    label: str
    value: str
    unit: str = ""
    ucum: str = ""
    concept: Code | None = None
    image: ImageReference | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPicture(_Cleaned):
    """A picture beside the text. ``data`` is a PNG or JPEG that our own renderer drew; signed is its digest, ``sha256``."""

    image: ImageReference
    caption: str = ""
    data: bytes = field(default=b"", repr=False)
    sha256: str = ""

    def __post_init__(self) -> None:
        """Know the digest of the bytes. Raises ``ValueError`` for other bytes than were signed."""
        super(KeyPicture, self).__post_init__()
        if not self.data:
            return
        found = hashlib.sha256(self.data).hexdigest()
        if self.sha256 not in {"", found}:
            raise ValueError("the picture is not the one that was signed")
        object.__setattr__(self, "sha256", found)

    @property
    def suffix(self) -> str:
        """``png`` or ``jpg``; empty without a picture, or with one of another format."""
        if self.data.startswith(_PNG):
            return "png"
        return "jpg" if self.data.startswith(_JPEG) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature(_Cleaned):
    """Who signed, as what, and when."""

    person: Person
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierVersion(_Cleaned):
    """A version before this one. ``sections`` are given where readers of this one have to see them again.

    ``has_measurements`` decides which storage class its structured report is of.
    """

    number: int
    kind: Kind
    at: datetime
    signed_by: str = ""
    reason: str = ""
    digest: str = ""
    sections: tuple[Section, ...] = ()
    has_measurements: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CriticalFinding(_Cleaned):
    """What had to be told at once, to whom it was and when, and who said that they know. ``level`` as shown.

    ``at`` is empty while nobody was reached, ``acknowledged_at`` while nobody had answered at the signature.
    """

    text: str
    level: str = ""
    told: str = ""
    at: datetime | None = None
    acknowledged_by: str = ""
    acknowledged_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportContent(_Cleaned):
    """One version of a report. ``language`` is ``en`` or ``fr``; ``digest`` is not part of what it is the digest of.

    ``told_by`` names the system that keeps the report and told of its signature; empty for one that was signed here.
    """

    report_key: uuid.UUID
    number: int
    kind: Kind
    language: str
    title: str
    letterhead: Letterhead
    patient: PatientOf
    studies: tuple[StudyOf, ...]
    signed_at: datetime
    order: Order = Order()
    sections: tuple[Section, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    pictures: tuple[KeyPicture, ...] = ()
    critical: tuple[CriticalFinding, ...] = ()
    authors: tuple[Person, ...] = ()
    signatures: tuple[Signature, ...] = ()
    reason: str = ""
    earlier: tuple[EarlierVersion, ...] = ()
    told_by: str = ""
    digest: str = ""

    def __post_init__(self) -> None:
        """Raises ``ValueError`` for a report of no study, or with a moment that does not say its zone."""
        super(ReportContent, self).__post_init__()
        if not self.studies:
            raise ValueError("a report is of a study")
        moments = [self.signed_at, *(each.at for each in self.signatures), *(each.at for each in self.earlier)]
        moments += [each.study_at for each in self.studies if each.study_at]
        moments += [at for each in self.critical for at in (each.at, each.acknowledged_at) if at]
        if any(moment.utcoffset() is None for moment in moments):
            raise ValueError("a moment does not say its zone")

    @property
    def study(self) -> StudyOf:
        """The study that the documents are kept in."""
        return self.studies[0]

    @property
    def standing(self) -> tuple[Section, ...]:
        """What is to be read as the report: an addendum stands below the texts that it was added to, which stay true."""
        before = [each for version in self.earlier for each in version.sections] if self.is_addition else []
        return (*before, *self.sections)

    @property
    def is_addition(self) -> bool:
        """Whether the versions before it still hold."""
        return self.kind is Kind.ADDENDUM

    @property
    def is_verified(self) -> bool:
        """Whether somebody with the right to has signed it as final (PS3.3 C.17.2, Verification Flag)."""
        return self.kind is not Kind.PRELIMINARY and bool(self.signatures)
