"""The standard's own table, published by others (oracle/, edition of 2020), against ours and against what is really done."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydicom import datadict
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from imaging.dicom.deidentification.attributes import table
from imaging.dicom.deidentification.profile import Option
from tests.imaging.dicom.deidentification import making

ORACLE = Path(__file__).with_name("oracle") / "confidentiality_profile_attributes.json"
COLUMNS = {
    "rtnUIDsOpt": Option.UIDS,
    "rtnDevIdOpt": Option.DEVICE,
    "rtnInstIdOpt": Option.INSTITUTION,
    "rtnPatCharsOpt": Option.PATIENT,
    "rtnLongFullDatesOpt": Option.FULL_DATES,
    "rtnLongModifDatesOpt": Option.MODIFIED_DATES,
    "cleanDescOpt": Option.DESCRIPTORS,
    "cleanStructContOpt": Option.STRUCTURED_CONTENT,
    "cleanGraphOpt": Option.GRAPHICS,
}
#: Where later editions of the standard differ from the oracle's.
CHANGED_SINCE: dict[str, dict[str, str]] = {
    "00100020": {"basicProfile": "Z/D"},
    "300A00B2": {"basicProfile": "X/Z"},
    "30080105": {"basicProfile": "X/Z"},
    "30100077": {"basicProfile": "X/D"},
    "00080055": {"rtnDevIdOpt": "C"},
    "00081120": {"rtnUIDsOpt": "K"},
    "00321021": {"rtnDevIdOpt": "C"},
    "00400001": {"rtnDevIdOpt": "C"},
    "00400241": {"rtnDevIdOpt": "C"},
    "00203401": {"rtnDevIdOpt": "K"},
}
#: Patient's Name and ID become the pseudonym; what stamps the copy, and what an object must have, is not this test's.
SET_ASIDE = {"00100010", "00100020", "00080018", "0020000D", "0020000E", "00020003"}
VALUES: dict[str, Any] = {
    "DA": "20110203", "DT": "20110203101112", "TM": "101112", "AS": "034Y", "DS": "12.5", "IS": "7", "US": 7, "SS": 7, "UL": 7,
    "SL": 7, "FL": 7.5, "FD": 7.5,
}  # fmt: skip


def oracle() -> dict[str, dict[str, str]]:
    """The oracle's lines by tag, brought to today's edition."""
    lines = {line["id"].upper(): line for line in json.loads(ORACLE.read_text())}
    return {tag: line | CHANGED_SINCE.get(tag, {}) for tag, line in lines.items() if "GGGG" not in tag}


def mark(tag: str) -> str:
    """A text that is nowhere else."""
    return f"ZQ{tag}"


def filled(tag: str, vr: str) -> DataElement:
    """The attribute with a value that can be found again."""
    value: Any = VALUES.get(vr, mark(tag))
    if vr == "SQ":
        value = [making.item(TextValue=mark(tag), ValueType="TEXT", PersonTelephoneNumbers=mark(tag))]
    elif vr == "UI":
        value = f"1.2.826.0.1.3680043.8.498.{int(tag, 16)}"
    elif vr in {"OB", "OW", "UN"}:
        value = mark(tag).encode()
    elif vr == "PN":
        value = f"Q{tag}^ZQ"
    return DataElement(int(tag, 16), vr, value)


def everything() -> tuple[Dataset, dict[str, str]]:
    """An object with every attribute of the oracle that the dictionary knows, and their VRs."""
    made, vrs = making.object_of("1.2.840.10008.5.1.4.1.1.2"), {}
    for tag in oracle():
        if "X" in tag or tag in SET_ASIDE or not datadict.dictionary_has_tag(int(tag, 16)) or int(tag[:4], 16) < 8:
            continue
        vrs[tag] = datadict.dictionary_VR(int(tag, 16)).split(" or ")[0]
        made.add(filled(tag, vrs[tag]))
    return made, vrs


def test_our_table_says_what_the_oracle_says_in_every_column():
    differing = [
        (tag, column)
        for tag, line in oracle().items()
        for column in ("basicProfile", *COLUMNS)
        if (table()[tag].basic if column == "basicProfile" else table()[tag].options.get(COLUMNS[column], ""))
        != line.get(column, "")
    ]

    assert differing == []
    assert len(oracle()) > 430


def test_our_table_is_that_of_a_later_edition_and_has_more():
    assert len(table()) == 655
    assert set(oracle()) < set(table())


def is_allowed(expected: str, original: DataElement, found: DataElement | None) -> bool:
    """Whether what is found in the copy is what one of the actions makes of the original."""
    return any(_is(action, original, found) for action in expected.split("/"))


def _is(action: str, original: DataElement, found: DataElement | None) -> bool:
    if action == "X":
        return found is None
    if found is None:
        return False
    if action == "Z":
        return found.is_empty
    if action == "K":
        return bool(found.value == original.value) if original.VR != "SQ" else len(found.value) == 1
    if action == "D":
        return found.is_empty is False and (original.VR == "SQ" or found.value != original.value)
    return original.VR == "SQ" or str(found.value).startswith("2.25.")


@pytest.mark.parametrize("column", ["basicProfile", *COLUMNS])
def test_each_attribute_of_the_oracle_becomes_what_the_oracle_says(column):
    source, vrs = everything()
    options = {} if column == "basicProfile" else {COLUMNS[column].value: True}

    copy = making.copy_of(source, **options)

    wrong = []
    for tag, vr in vrs.items():
        line = oracle()[tag]
        letter = "" if column == "basicProfile" else line.get(column, "")
        original, found = source[int(tag, 16)], copy.get(int(tag, 16))
        if vr == "SQ" and line["basicProfile"] == "D" and letter != "K":
            expected = "X/D"  # graphics, content and the like are optional as a whole
        elif letter == "C":
            if vr in {"DA", "DT"} and (found is None or found.value == original.value):
                wrong.append((tag, vr, "C"))
            continue  # what is left of a cleaned text is looked at by the test below
        else:
            expected = letter or line["basicProfile"]
        if not is_allowed(expected, original, found):
            wrong.append((tag, vr, expected))

    assert wrong == []


@pytest.mark.parametrize("column", ["basicProfile", *COLUMNS])
def test_nothing_that_is_not_kept_is_found_again_anywhere(column):
    source, vrs = everything()
    options = {} if column == "basicProfile" else {COLUMNS[column].value: True}
    kept = {tag for tag in vrs if column != "basicProfile" and oracle()[tag].get(column) == "K"}

    written = making.file_copy_of(making.as_file(source), **options)

    marks = {tag: f"Q{tag}" for tag, vr in vrs.items() if vr not in VALUES and vr != "UI" and tag not in kept}
    assert [tag for tag, text in marks.items() if text.encode() in written] == []
    uids = {tag: str(source[int(tag, 16)].value) for tag, vr in vrs.items() if vr == "UI" and tag not in kept}
    assert [tag for tag, uid in uids.items() if uid.encode() in written] == []
    if column not in {"rtnLongFullDatesOpt", "rtnLongModifDatesOpt"}:
        assert b"20110203" not in written
