"""De-identified copies of data sets: PS3.15 annex E, Basic Application Level Confidentiality Profile and its options.

The header only. Pixels are neither read nor changed: ``Outcome.review`` says when a person must look at them.
"""

from __future__ import annotations

import copy
import io
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.tag import BaseTag
from pydicom.uid import UID

from imaging.dicom import part10, uids
from imaging.dicom.byte_source import FileSource
from imaging.dicom.deidentification import coded
from imaging.dicom.deidentification.attributes import Action
from imaging.dicom.deidentification.cleaner import PATIENT_ID, PATIENT_NAME, Cleaner
from imaging.dicom.deidentification.elements import assembled, elements_of, made, made_sequence
from imaging.dicom.deidentification.identifiers import Identifiers, remaining
from imaging.dicom.deidentification.profile import CODING_SCHEME, MethodCode, Profile
from imaging.dicom.deidentification.pseudonyms import Keyed, Pseudonym
from imaging.dicom.deidentification.refusals import OF_PIXELS, Refusal, Refused, Review, refusal_of, reviews_of
from imaging.dicom.element_parser import PIXEL_TAGS, ElementParser
from imaging.dicom.element_text import ElementText
from imaging.dicom.errors import DicomError
from imaging.dicom.limits import GIB, Limits
from imaging.dicom.part10 import BulkValue

_SOP_CLASS: Final = 0x00080016
_SOP_INSTANCE: Final = 0x00080018
_DIRECTORY_RECORDS: Final = 0x00041220
#: A data set that is in memory already is read whole.
_IN_MEMORY: Final = Limits(header_bytes=GIB, element_bytes=GIB)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A copy that may go out, once what ``review`` names has been looked at. ``counts`` says how often what was done."""

    dataset: Dataset
    review: frozenset[Review]
    counts: Mapping[Action, int]

    @property
    def needs_pixel_review(self) -> bool:
        """Whether a person must look at the pixels before the copy goes out."""
        return not OF_PIXELS.isdisjoint(self.review)


@dataclass(frozen=True, slots=True)
class CleanedHeader:
    """The outcome for a parsed header, which of its large values stay where they are in the file, and what the source named."""

    outcome: Outcome
    bulk: Mapping[str, BulkValue]
    identifiers: Identifiers


def deidentify(dataset: Dataset, *, profile: Profile, key: bytes, pseudonym: Pseudonym) -> Outcome:
    """A de-identified copy of a data set in memory; the source stays as it is, its pixels are neither read nor copied.

    ``key`` (16 bytes or more) decides the UIDs and by how much dates move: the same key gives the same for all objects.
    Raises ``Refused`` for what cannot be cleaned surely, or another ``DicomError``.
    """
    syntax = _transfer_syntax_of(dataset)
    cleaned = clean_header(_received(dataset, syntax), syntax, profile=profile, key=key, pseudonym=pseudonym)
    made_copy = cleaned.outcome.dataset
    for tag in PIXEL_TAGS & {int(tag) for tag in dataset.keys()}:  # noqa: SIM118 -- iterating would convert the elements
        made_copy[BaseTag(tag)] = dataset.get_item(tag)
    made_copy.file_meta = _file_meta(made_copy, syntax)
    return cleaned.outcome


def clean_header(
    dataset: Dataset,
    transfer_syntax_uid: str,
    *,
    profile: Profile,
    key: bytes,
    pseudonym: Pseudonym,
    bulk: Mapping[str, BulkValue] | None = None,
) -> CleanedHeader:
    """De-identify a header as the house's parser reads it (``part10``). Raises ``Refused`` or another ``DicomError``."""
    read = ElementText(dataset)
    sop_class, sop_instance = read.text(_SOP_CLASS, 64), read.text(_SOP_INSTANCE, 64)
    if _DIRECTORY_RECORDS in dataset:
        raise Refused(Refusal.DIRECTORY)
    if not uids.is_valid_uid(sop_class) or not sop_instance:
        raise Refused(Refusal.UNREADABLE, "the object does not say what it is")
    refusal = refusal_of(sop_class, profile)
    if refusal is not None:
        raise Refused(refusal)
    identifiers = Identifiers.of(dataset, profile) - _named(pseudonym)
    cleaner = Cleaner(profile, Keyed(key, pseudonym), pseudonym, identifiers, bulk)
    cleaned = cleaner.clean(dataset)
    _check(cleaned, identifiers)
    stamped = _stamp(cleaned, profile, pseudonym)
    review = reviews_of(dataset, transfer_syntax_uid, profile)
    if cleaner.replaced_text:
        review |= {Review.STRUCTURED_TEXT}
    outcome = Outcome(stamped, review, MappingProxyType(dict(cleaner.counts)))
    return CleanedHeader(outcome, MappingProxyType(cleaner.bulk), identifiers)


def _named(pseudonym: Pseudonym) -> Identifiers:
    """What the copy is to be called: in a source that is a copy already, it names nobody."""
    texts = (pseudonym.patient_name, pseudonym.patient_id)
    return Identifiers.named(names=texts, ids=texts)


def _check(cleaned: Dataset, identifiers: Identifiers) -> None:
    """Refuse a copy in which an identifier of its source is still found: better no copy than one that names.

    Dates are left out: a day that was moved may come to lie on another of the source's.
    """
    left = remaining(cleaned, Identifiers(identifiers.names, identifiers.ids, identifiers.uids))
    if left:
        raise Refused(Refusal.IDENTIFIERS_LEFT, ", ".join(f"{place.kind} in {place.path}" for place in left[:5]))


def _stamp(cleaned: Dataset, profile: Profile, pseudonym: Pseudonym) -> Dataset:
    """The copy, which says what was done to it (PS3.15 section E.1.1, PS3.3 section C.12.1.1.7)."""
    texts = [
        (PATIENT_NAME, "PN", pseudonym.patient_name),
        (PATIENT_ID, "LO", pseudonym.patient_id),
        (0x00120062, "CS", "YES"),
        (0x00120063, "LO", "\\".join(code.meaning for code in profile.methods)),
        (0x00280303, "CS", profile.temporal_information),
    ]
    if profile.clean_pixel_data:
        texts.append((0x00280301, "CS", "NO"))
    if profile.clean_recognizable_visual_features:
        texts.append((0x00280302, "CS", "NO"))
    stamped = dict(elements_of(cleaned)) | {
        tag: made(tag, vr, text.encode("ascii"), cleaned) for tag, vr, text in texts
    }
    stamped[0x00120064] = made_sequence(0x00120064, [_method(code, cleaned) for code in profile.methods])
    return assembled(stamped, cleaned)


def _method(code: MethodCode, like: Dataset) -> Dataset:
    texts = (
        (coded.CODE_VALUE, "SH", code.value),
        (coded.SCHEME, "SH", CODING_SCHEME),
        (coded.MEANING, "LO", code.meaning),
    )
    return assembled({tag: made(tag, vr, text.encode("ascii"), like) for tag, vr, text in texts}, like)


def _transfer_syntax_of(dataset: Dataset) -> str:
    meta = getattr(dataset, "file_meta", None)
    return str(meta.get("TransferSyntaxUID", "")) if meta is not None else ""


def _received(dataset: Dataset, transfer_syntax_uid: str) -> Dataset:
    """The header as the house's parser would have read it, without the pixels: one way of reading, one way of cleaning."""
    header = Dataset(
        {tag: copy.deepcopy(dataset.get_item(tag)) for tag in dataset.keys() if int(tag) not in PIXEL_TAGS}  # noqa: SIM118
    )
    implicit = transfer_syntax_uid == uids.IMPLICIT_VR_LITTLE_ENDIAN
    little = transfer_syntax_uid != uids.EXPLICIT_VR_BIG_ENDIAN
    encoded_implicitly, encoded_little = dataset.original_encoding
    header.set_original_encoding(encoded_implicitly, encoded_little, dataset.original_character_set)
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = implicit, little
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for tag, element in elements_of(header):
                if element.VR is None:
                    header[BaseTag(tag)]  # read from Implicit VR and not converted yet: its VR is looked up
            write_dataset(buffer, header)
        encoded = buffer.getvalue()
        source = FileSource(io.BytesIO(encoded), 0, len(encoded))
        return ElementParser(source, implicit=implicit, little_endian=little, limits=_IN_MEMORY).parse()
    except DicomError as error:
        raise Refused(Refusal.UNREADABLE, error.code) from error
    except Exception as error:  # whatever pydicom makes of values that are none of their VR
        raise Refused(Refusal.UNREADABLE, type(error).__name__) from error


def _file_meta(cleaned: Dataset, transfer_syntax_uid: str) -> FileMetaDataset:
    """Group 0002 of the copy: what the object is, and nothing of where it came from."""
    read = ElementText(cleaned)
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID = UID(read.text(_SOP_CLASS, 64))
    meta.MediaStorageSOPInstanceUID = UID(read.text(_SOP_INSTANCE, 64))
    meta.TransferSyntaxUID = UID(transfer_syntax_uid or uids.EXPLICIT_VR_LITTLE_ENDIAN)
    meta.ImplementationClassUID = UID(part10.IMPLEMENTATION_CLASS_UID)
    meta.ImplementationVersionName = part10.IMPLEMENTATION_VERSION_NAME
    return meta
