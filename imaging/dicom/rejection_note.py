"""Rejection notes: key object selections that take other objects out of use (IHE RAD TF-2 4.66; PS3.16 TID 2010, CID 7011)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import BinaryIO, Final

from pydicom.dataset import Dataset

from imaging.dicom import json_items, uids
from imaging.dicom.json_items import Item
from imaging.dicom.wrapping import modules, writing
from imaging.dicom.wrapping.facts import Concept, Place

#: Key object selection document titles that reject what they name (PS3.16 CID 7011).
TITLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "113001": "Rejected for Quality Reasons",
        "113037": "Rejected for Patient Safety Reasons",
        "113038": "Incorrect Modality Worklist Entry",
        "113039": "Data Retention Policy Expired",
    }
)
MODALITY: Final = "KO"
_DESCRIPTION: Final = Concept(value="113012", scheme="DCM", meaning="Key Object Description")
_IMAGES: Final = 20_000
_CONCEPT, _EVIDENCE = "0040A043", "0040A375"
_SERIES, _OBJECTS, _INSTANCE = "00081115", "00081199", "00081155"


@dataclass(frozen=True, slots=True)
class Named:
    """One object that a note takes out of use."""

    series_instance_uid: str
    sop_class_uid: str
    sop_instance_uid: str


@dataclass(frozen=True, slots=True)
class Note:
    """A note that was received: its title's code, and the SOP Instance UIDs that it names, by study."""

    code: str
    instances: Mapping[str, frozenset[str]]
    is_cut: bool = False


def read(record: Item) -> Note | None:
    """The note of a key object selection's DICOM JSON; None for one that flags images and takes none out of use."""
    title = json_items.first(record, _CONCEPT)
    code = json_items.text(title, "00080100")
    if json_items.text(title, "00080102") != "DCM" or code not in TITLES:
        return None
    found: dict[str, set[str]] = {}
    count = 0
    for study in json_items.items(record, _EVIDENCE):
        named = found.setdefault(json_items.text(study, "0020000D")[:64], set())
        for series in json_items.items(study, _SERIES):
            for one in json_items.items(series, _OBJECTS, most=_IMAGES):
                uid = json_items.text(one, _INSTANCE)
                count += 1
                if uids.is_valid_uid(uid) and count <= _IMAGES:
                    named.add(uid)
    return Note(code, {study: frozenset(named) for study, named in found.items()}, count > _IMAGES)


def write(out: BinaryIO, place: Place, code: str, named: Iterable[Named], *, text: str = "") -> None:
    """Write the note that takes ``named`` out of use, all of the study of ``place``. ``text`` says why in words."""
    made = modules.common(place, sop_class_uid=uids.KEY_OBJECT_SELECTION)
    objects = list(named)
    title = Concept(value=code, scheme="DCM", meaning=TITLES[code])
    modules.put(made, "Modality", MODALITY)
    modules.put(made, "SeriesDescription", TITLES[code])
    modules.put(made, "ReferencedPerformedProcedureStepSequence", [])
    modules.put(made, "ReferencedRequestSequence", [])
    modules.put(made, "ValueType", "CONTAINER")
    modules.put(made, "ConceptNameCodeSequence", [modules.code(title)])
    modules.put(made, "ContinuityOfContent", "SEPARATE")
    template = Dataset()
    modules.put(template, "MappingResource", "DCMR")
    modules.put(template, "TemplateIdentifier", "2010")
    modules.put(made, "ContentTemplateSequence", [template])
    modules.put(made, "CurrentRequestedProcedureEvidenceSequence", [_evidence(place, objects)])
    modules.put(made, "ContentSequence", [*_words(text), *map(_item, objects)])
    writing.write_dataset_file(out, made)


def _evidence(place: Place, objects: Iterable[Named]) -> Dataset:
    by_series: dict[str, list[Dataset]] = {}
    for one in objects:
        item = modules.instance(one.sop_class_uid, one.sop_instance_uid)
        by_series.setdefault(one.series_instance_uid, []).append(item)
    study = Dataset()
    series = []
    for uid, items in by_series.items():
        entry = Dataset()
        modules.put(entry, "ReferencedSOPSequence", items)
        modules.put(entry, "SeriesInstanceUID", uid)
        series.append(entry)
    modules.put(study, "ReferencedSeriesSequence", series)
    modules.put(study, "StudyInstanceUID", place.study.study_instance_uid)
    return study


def _words(text: str) -> list[Dataset]:
    if not text:
        return []
    item = Dataset()
    modules.put(item, "RelationshipType", "CONTAINS")
    modules.put(item, "ValueType", "TEXT")
    modules.put(item, "ConceptNameCodeSequence", [modules.code(_DESCRIPTION)])
    modules.put(item, "TextValue", text)
    return [item]


def _item(one: Named) -> Dataset:
    item = Dataset()
    modules.put(item, "RelationshipType", "CONTAINS")
    modules.put(item, "ValueType", "IMAGE" if uids.is_image(one.sop_class_uid) else "COMPOSITE")
    modules.put(item, "ReferencedSOPSequence", [modules.instance(one.sop_class_uid, one.sop_instance_uid)])
    return item
