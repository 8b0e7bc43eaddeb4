"""Table E.1-1 of PS3.15 and what it means for one attribute under one profile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pydicom import datadict
from pydicom._uid_dict import UID_dictionary
from pydicom.tag import BaseTag

from imaging.dicom import uids
from imaging.dicom.deidentification.profile import Option, Profile

_TABLE: Final = Path(__file__).with_name("confidentiality.tsv")


class Action(StrEnum):
    """What is done with one attribute."""

    KEEP = "kept"
    REMOVE = "removed"
    EMPTY = "emptied"
    DUMMY = "replaced"
    UID = "uids_mapped"
    CLEAN = "cleaned"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: the action of the Basic Profile as written there, and ``K`` or ``C`` for the options."""

    tag: str
    name: str
    basic: str
    options: Mapping[Option, str]


@cache
def table() -> Mapping[str, Row]:
    """The whole table by tag of eight upper-case hexadecimal digits (``50XXXXXX``, ``60XX3000`` for groups that repeat)."""
    rows = {}
    for line in _TABLE.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        tag, name, basic, letters = line.split("\t")
        chosen = {option: letter for option, letter in zip(Option, letters, strict=True) if letter != "-"}
        rows[tag] = Row(tag, name, basic, MappingProxyType(chosen))
    return MappingProxyType(rows)


#: What an action with alternatives comes to: the last of them, which keeps any IOD conformant whatever the attribute's type is
#: in it (PS3.15 table E.1-1a: X for type 3, Z for type 2, D or U for type 1). A dummy tells no more than an absence does.
_STRONGEST: Final = {"X": Action.REMOVE, "Z": Action.EMPTY, "D": Action.DUMMY, "U": Action.UID, "U*": Action.UID}

#: Beyond the table: they describe private elements, or hold the originals of what was taken out, encrypted.
_ALWAYS_REMOVED: Final = frozenset({0x00080300, 0x04000500})
#: Bytes of public attributes that are known to be no document: profiles, waveforms and their padding, patterns, tables.
_HARMLESS_BYTES: Final = frozenset(
    {0x00282000, 0x54000110, 0x54000112, 0x5400100A, 0x54001010, 0x00700256, 0x00701808, 0x00189445}
)
#: Where the frames of encapsulated pixel data begin; pixel data itself is no part of a header.
_OFFSET_TABLES: Final = frozenset({0x7FE00001, 0x7FE00002, 0x7FE00003})
_TEXT_VALUE: Final = 0x0040A160
_FREE_TEXT: Final = frozenset({"LT", "ST", "UT"})
_TEMPORAL: Final = frozenset({"DA", "DT", "TM"})
_NEVER_UNLISTED: Final = frozenset({"PN", "AE", "UR", "UN"})

#: VRs that a writer may mistake for each other without giving a value another nature.
_FAMILIES: Final = (
    frozenset({"SH", "LO", "UC", "ST", "LT", "UT"}),
    frozenset({"US", "SS", "UL", "SL", "OW"}),
    frozenset({"FL", "FD"}),
    frozenset({"IS", "DS"}),
    frozenset({"OB", "OW"}),
)


@lru_cache(maxsize=65536)
def decide(tag: int, vr: str, profile: Profile) -> Action:
    """What is done with a public attribute of this VR. Unknown attributes, and values of the wrong VR, are removed."""
    if tag in _ALWAYS_REMOVED or not _is_of_its_kind(tag, vr):
        return Action.REMOVE
    row = table().get(f"{tag:08X}")
    if row is None:
        return _unlisted(tag, vr, profile)
    letters = {letter for option, letter in row.options.items() if option in profile.options}
    if "K" in letters:
        return Action.KEEP
    return Action.CLEAN if "C" in letters else basic(tag)


def basic(tag: int) -> Action:
    """What the Basic Profile alone does with an attribute of the table; one that is not in it is removed."""
    row = table().get(f"{tag:08X}")
    return _STRONGEST[row.basic.rsplit("/", 1)[-1]] if row else Action.REMOVE


_CODING_SCHEME_UID: Final = 0x0008010C
_STANDARD_ROOT: Final = "1.2.840.10008."
_CODE_SYSTEMS: Final = "2.16.840.1.113883.6."


def is_public_uid(tag: int, uid: str) -> bool:
    """Whether a value of this attribute names no object: registered by DICOM, or a code system registered by HL7.

    Under the standard's root, attributes of the table (they name instances) are believed only if the UID is registered.
    """
    if uid in UID_dictionary:
        return True
    if not uids.is_valid_uid(uid):
        return False
    if tag == _CODING_SCHEME_UID and uid.startswith(_CODE_SYSTEMS):
        return True
    return uid.startswith(_STANDARD_ROOT) and f"{tag:08X}" not in table()


def _is_of_its_kind(tag: int, vr: str) -> bool:
    """Whether the dictionary knows the attribute and gives it this VR, or one that is as good."""
    group = tag >> 16
    if group in {0x0000, 0x0002, 0x0004} or 0x5000 <= group <= 0x50FF or 0x6000 <= group <= 0x60FF:
        return False
    if not datadict.dictionary_has_tag(BaseTag(tag)):
        return False
    known = set(datadict.dictionary_VR(tag).split(" or "))
    return vr in known or any(vr in family and known & family for family in _FAMILIES)


def _unlisted(tag: int, vr: str, profile: Profile) -> Action:
    """What the table does not name: kept, unless its VR holds names, addresses, free text, times or unknown bytes."""
    if vr in _NEVER_UNLISTED or (vr == "OB" and tag not in _HARMLESS_BYTES):
        return Action.REMOVE
    if tag >> 16 == 0x7FE0 and tag not in _OFFSET_TABLES:
        return Action.REMOVE
    if tag == _TEXT_VALUE:
        return Action.DUMMY
    if vr in _FREE_TEXT:
        return Action.CLEAN if profile.clean_descriptors else Action.REMOVE
    if vr in _TEMPORAL:
        if profile.retain_full_dates:
            return Action.KEEP
        return Action.CLEAN if profile.retain_modified_dates else Action.REMOVE
    if vr == "AS":
        return Action.KEEP if profile.retain_patient_characteristics else Action.REMOVE
    return Action.UID if vr == "UI" else Action.KEEP
