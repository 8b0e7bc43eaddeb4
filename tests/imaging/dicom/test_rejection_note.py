"""Rejection notes as they are read: what other systems write may be anything."""

from typing import Any

import pytest

from imaging.dicom import rejection_note


def note(code: Any = "113001", scheme: Any = "DCM", evidence: Any = ()) -> dict[str, Any]:
    """The DICOM JSON of a key object selection."""
    title = {"00080100": {"vr": "SH", "Value": [code]}, "00080102": {"vr": "SH", "Value": [scheme]}}
    return {
        "0040A043": {"vr": "SQ", "Value": [title]},
        "0040A375": {"vr": "SQ", "Value": list(evidence) if isinstance(evidence, (list, tuple)) else evidence},
    }


def evidence(*uids: Any, study: Any = "1.2.3") -> dict[str, Any]:
    """One study of the evidence, with one series."""
    objects = [{"00081155": {"vr": "UI", "Value": [uid]}} for uid in uids]
    series = {"00081199": {"vr": "SQ", "Value": objects}, "0020000E": {"vr": "UI", "Value": ["1.2.4"]}}
    return {"0020000D": {"vr": "UI", "Value": [study]}, "00081115": {"vr": "SQ", "Value": [series]}}


@pytest.mark.parametrize("code", sorted(rejection_note.TITLES))
def test_the_four_titles_reject_what_they_name(code: str) -> None:
    found = rejection_note.read(note(code, evidence=[evidence("1.2.5", "1.2.6")]))
    assert found == rejection_note.Note(code, {"1.2.3": frozenset({"1.2.5", "1.2.6"})})


@pytest.mark.parametrize(
    "record",
    [
        {},
        note("113000"),
        note("113001", "99LOCAL"),
        note(None),
        note({"x": 1}),
        {"0040A043": {"vr": "SQ", "Value": "x"}},
    ],
)
def test_other_titles_reject_nothing(record: dict[str, Any]) -> None:
    assert rejection_note.read(record) is None


@pytest.mark.parametrize(
    "given",
    [
        "no list",
        [None, 7, "x"],
        [{"0020000D": {"vr": "UI"}}],
        [evidence("not a UID", "", None, "1" * 200, "../../etc/passwd", "1.2.\x003")],
        [{"00081115": {"vr": "SQ", "Value": [{"00081199": {"vr": "SQ", "Value": ["x"]}}]}}],
    ],
)
def test_evidence_that_is_none_names_nothing(given: Any) -> None:
    found = rejection_note.read(note(evidence=given))
    assert found is not None
    assert not any(found.instances.values())


def test_more_than_can_be_meant_is_cut_and_said_to_be() -> None:
    many = [evidence(*(f"1.2.{study}.{number}" for number in range(15_000)), study=f"1.{study}") for study in (5, 6)]
    found = rejection_note.read(note(evidence=many))
    assert found is not None
    assert found.is_cut
    assert sum(map(len, found.instances.values())) == 20_000
