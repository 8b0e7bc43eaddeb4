"""One data set as it may go out: walked through once, element by element, nothing in the source changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from imaging.dicom import charset
from imaging.dicom.deidentification import attributes, coded, descriptors, safe_private, values
from imaging.dicom.deidentification.attributes import Action
from imaging.dicom.deidentification.defined_terms import is_defined
from imaging.dicom.deidentification.elements import (
    Element,
    assembled,
    codecs_of,
    elements_of,
    items_of,
    made,
    made_sequence,
)
from imaging.dicom.deidentification.identifiers import Identifiers, held
from imaging.dicom.deidentification.profile import Profile
from imaging.dicom.deidentification.pseudonyms import Keyed, Pseudonym
from imaging.dicom.element_parser import CHARACTER_SET
from imaging.dicom.element_text import ElementText, stored
from imaging.dicom.part10 import BulkValue

PATIENT_NAME: Final = 0x00100010
PATIENT_ID: Final = 0x00100020
_PATIENT_AGE: Final = 0x00101010
_CONTENT: Final = 0x0040A730
_GRAPHIC_ANNOTATIONS: Final = 0x00700001
_TEXT_OBJECTS: Final = 0x00700008
_WAVEFORM_ANNOTATIONS: Final = 0x0040B020
_VALUE_TYPE: Final = 0x0040A040
#: Optional as a whole, so that nothing has to stand in their place.
_LEFT_OUT: Final = frozenset({_CONTENT, _GRAPHIC_ANNOTATIONS, _WAVEFORM_ANNOTATIONS})
_CONCEPT_NAME: Final = 0x0040A043
_CONCEPT_CODE: Final = 0x0040A168
_MEASURED: Final = 0x0040A300
#: Subject's sex, age, height, weight and body surface (CID 3602 and TID 1007).
_OF_THE_SUBJECT: Final = frozenset(
    {"121032", "121033", "8302-2", "29463-7", "8277-6", "27113001", "50373000", "397669002"}
)
_MEANT: Final = frozenset({"TEXT", "PNAME"})


class Cleaner:
    """Cleans one object. Afterwards ``counts`` says how often what was done, ``bulk`` which large values stay in the file."""

    def __init__(
        self,
        profile: Profile,
        keyed: Keyed,
        pseudonym: Pseudonym,
        identifiers: Identifiers,
        bulk: Mapping[str, BulkValue] | None = None,
    ) -> None:
        """Clean by ``profile``; ``bulk`` are the values of the source that its parser left in the file."""
        self._profile = profile
        self._keyed = keyed
        self._identifiers = identifiers
        self._source_bulk = bulk or {}
        self._pseudonyms = {PATIENT_NAME: pseudonym.patient_name, PATIENT_ID: pseudonym.patient_id}
        self.counts: Counter[Action] = Counter()
        self.bulk: dict[str, BulkValue] = {}
        self.replaced_text = False

    def clean(self, dataset: Dataset) -> Dataset:
        """The data set as it may go out, without the stamp of what was done."""
        return self._dataset(dataset, charset.UNDECLARED, "")

    def _dataset(self, dataset: Dataset, inherited: charset.Encodings, path: str) -> Dataset:
        codecs = codecs_of(dataset, inherited)
        cleaned: dict[int, Element] = {}
        for tag, element in elements_of(dataset):
            if tag & 0xFFFF == 0:
                continue  # retired group lengths would be wrong now
            if tag & 0x10000:
                self._private(dataset, cleaned, tag, element, codecs, f"{path}{tag:08X}")
                continue
            result, action = self._element(dataset, tag, element, codecs, f"{path}{tag:08X}")
            self.counts[action] += 1
            if result is not None:
                cleaned[tag] = result
        return assembled(cleaned, dataset)

    # Private blocks

    def _private(
        self,
        dataset: Dataset,
        cleaned: dict[int, Element],
        tag: int,
        element: Element,
        codecs: charset.Encodings,
        path: str,
    ) -> None:
        """Keep a private element with the creator of its block, if it is known to be safe."""
        if 0x10 <= tag & 0xFFFF <= 0xFF:
            return  # creators come with what they created
        creator_tag = tag & 0xFFFF0000 | tag >> 8 & 0xFF
        creator = stored(dataset, creator_tag)
        name = creator.value if isinstance(creator, RawDataElement) and creator.value else b""
        known = name.decode("ascii", "replace").strip("\0 ")
        kept = (
            self._profile.retain_safe_private
            and isinstance(element, RawDataElement)
            and path not in self._source_bulk
            and safe_private.is_safe(tag, known, element.VR or "UN")
            and self._is_fit(element, codecs)
        )
        self.counts[Action.KEEP if kept else Action.REMOVE] += 1
        if kept:
            cleaned[creator_tag] = made(creator_tag, "LO", known.encode("ascii"), dataset)
            cleaned[tag] = element

    # Public elements

    def _element(
        self, dataset: Dataset, tag: int, element: Element, codecs: charset.Encodings, path: str
    ) -> tuple[Element | None, Action]:
        """What stands for one element, None if nothing does, and what was done."""
        vr = element.VR or "UN"
        if tag in self._pseudonyms and vr in values.TEXTS:
            return made(tag, vr, self._pseudonyms[tag].encode("ascii"), dataset), Action.DUMMY
        action = attributes.decide(tag, vr, self._profile)
        if not isinstance(element, RawDataElement):
            return self._sequence(dataset, tag, element, action, codecs, path)
        if path in self._source_bulk:
            return self._large(tag, element, action, path)
        return self._value(dataset, tag, element, action, codecs)

    def _sequence(
        self, dataset: Dataset, tag: int, element: DataElement, action: Action, codecs: charset.Encodings, path: str
    ) -> tuple[DataElement | None, Action]:
        if element.VR != "SQ" or action is Action.REMOVE or (tag in _LEFT_OUT and action is Action.DUMMY):
            return None, Action.REMOVE
        if action is Action.EMPTY:
            return made_sequence(tag, []), action
        items = items_of(element)
        if action is Action.DUMMY and any(coded.CODE_VALUE in item or coded.LONG_CODE_VALUE in item for item in items):
            return made_sequence(tag, [coded.unspoken(dataset)]), action
        cleaned = [self._item(tag, item, codecs, f"{path}/{number}/") for number, item in enumerate(items)]
        return made_sequence(tag, cleaned), action

    def _item(self, tag: int, item: Dataset, codecs: charset.Encodings, path: str) -> Dataset:
        if coded.is_local(item):
            self.counts[Action.DUMMY] += 1
            return coded.unspoken(item)
        if tag == _CONTENT and self._value_type(item) in _MEANT:
            self.replaced_text = True
        cleaned = self._dataset(item, codecs, path)
        if tag == _CONTENT and not self._profile.retain_patient_characteristics and _concept(item) in _OF_THE_SUBJECT:
            cleaned = self._unmeasured(cleaned)
        if tag == _GRAPHIC_ANNOTATIONS and _TEXT_OBJECTS in cleaned:
            del cleaned[BaseTag(_TEXT_OBJECTS)]
            self.counts[Action.REMOVE] += 1
        return cleaned

    def _unmeasured(self, item: Dataset) -> Dataset:
        """A content item that no longer tells how old, tall or heavy someone is, or of which sex."""
        elements = dict(elements_of(item))
        if _MEASURED in elements:
            elements[_MEASURED] = made_sequence(_MEASURED, [])
        if _CONCEPT_CODE in elements:
            elements[_CONCEPT_CODE] = made_sequence(_CONCEPT_CODE, [coded.unspoken(item)])
        self.counts[Action.DUMMY] += 1
        return assembled(elements, item)

    @staticmethod
    def _value_type(item: Dataset) -> str:
        element = stored(item, _VALUE_TYPE)
        value = element.value if isinstance(element, RawDataElement) else b""
        return (value or b"").decode("ascii", "replace").strip("\0 ").upper()

    def _large(
        self, tag: int, element: RawDataElement, action: Action, path: str
    ) -> tuple[RawDataElement | None, Action]:
        """A value that the parser left in the file: kept there if it is numbers, as no text is that large."""
        if action is not Action.KEEP or element.VR in values.TEXTS or element.VR in {"UN", "UR", "CS", "DS", "IS"}:
            return None, Action.REMOVE
        self.bulk[path] = self._source_bulk[path]
        return element, action

    def _value(
        self, dataset: Dataset, tag: int, element: RawDataElement, action: Action, codecs: charset.Encodings
    ) -> tuple[RawDataElement | None, Action]:
        vr, value = element.VR or "UN", element.value or b""
        if action is Action.REMOVE:
            return None, action
        if not value:
            return made(tag, vr, b"", dataset), Action.KEEP
        if action is Action.EMPTY:
            return made(tag, vr, b"", dataset), action
        if action is Action.UID:
            mapped = made(tag, vr, self._uids(tag, value), dataset)
            return mapped, Action.KEEP if values.split(mapped.value or b"") == values.split(value) else action
        if action is Action.CLEAN:
            return self._cleaned(dataset, tag, vr, value, codecs)
        if action is Action.DUMMY:
            return self._dummy(dataset, tag, vr, value)
        if tag == _PATIENT_AGE:
            return made(tag, vr, values.capped_age(value), dataset), action
        if self._is_fit(element, codecs):
            return element, action
        return self._dummy(dataset, tag, vr, value) if vr in values.TEXTS else (None, Action.REMOVE)

    def _is_fit(self, element: RawDataElement, codecs: charset.Encodings) -> bool:
        """Whether a value that nothing speaks against has its form, and holds none of the object's identifiers."""
        vr, value = element.VR or "UN", element.value or b""
        if not values.is_well_formed(value, vr) or (
            int(element.tag) == CHARACTER_SET and not is_defined(CHARACTER_SET, value)
        ):
            return False
        # Dates and UIDs are dealt with by what they are, not by what they are alike to: a newborn's study is of its birth date.
        return vr in {"DA", "DT", "UI"} or not held(element, self._identifiers, codecs)

    def _uids(self, tag: int, value: bytes) -> bytes:
        originals = (part.decode("ascii", "replace").strip("\0 ") for part in value.split(b"\\"))
        return "\\".join(
            uid if not uid or attributes.is_public_uid(tag, uid) else self._keyed.uid(uid) for uid in originals
        ).encode("ascii")

    def _dummy(self, dataset: Dataset, tag: int, vr: str, value: bytes) -> tuple[RawDataElement | None, Action]:
        if vr == "UI":
            return made(tag, vr, self._uids(tag, value), dataset), Action.UID
        dummy = values.dummy(vr, len(value))
        if dummy is None:
            return None, Action.REMOVE
        return made(tag, vr, dummy, dataset), Action.DUMMY

    def _cleaned(
        self, dataset: Dataset, tag: int, vr: str, value: bytes, codecs: charset.Encodings
    ) -> tuple[RawDataElement | None, Action]:
        """Dates moved, descriptions reduced; what cannot be cleaned is dealt with as the Basic Profile does."""
        clean: bytes | None = None
        if vr in {"DA", "DT", "TM"} or tag == 0x00080201:
            clean = values.moved(value, vr, self._keyed.moved)
        elif vr in values.TEXTS and vr != "PN":
            text = descriptors.cleaned(charset.decode(value, codecs), self._identifiers)
            clean = text.encode("ascii", "ignore") or None
        if clean is not None:
            return made(tag, vr, clean, dataset), Action.CLEAN
        fallback = attributes.basic(tag)
        if fallback is Action.EMPTY:
            return made(tag, vr, b"", dataset), fallback
        return self._dummy(dataset, tag, vr, value) if fallback is Action.DUMMY else (None, Action.REMOVE)


def _concept(item: Dataset) -> str:
    """Code value of the concept that a content item is about."""
    name = stored(item, _CONCEPT_NAME)
    concepts = items_of(name) if name is not None else []
    return ElementText(concepts[0]).text(coded.CODE_VALUE, 64) if concepts else ""
