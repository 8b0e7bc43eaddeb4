"""Single values out of hostile DICOM JSON: found in the shared groups too, and never more than text and finite numbers."""

import pytest

from imaging.dicom import header_values


def test_a_value_is_found_at_the_top_and_in_the_groups_of_an_enhanced_object() -> None:
    measures = {"00280030": {"vr": "DS", "Value": [0.5, 0.5]}, "00180050": {"vr": "DS", "Value": [3]}}
    record = {
        "00180060": {"vr": "DS", "Value": ["120"]},
        "00081111": {"vr": "SQ", "Value": [{"00180088": {"vr": "DS", "Value": [9]}}]},
        "52009229": {"vr": "SQ", "Value": [{"00289110": {"vr": "SQ", "Value": [measures]}}]},
    }
    assert header_values.number(record, "00180060") == 120
    assert header_values.number(record, "00180050") == 3
    assert header_values.numbers(record, "00280030") == [0.5, 0.5]
    # Another sequence speaks of something else.
    assert header_values.number(record, "00180088") is None


@pytest.mark.parametrize(
    "element",
    [None, "x", 5, [], {}, {"Value": None}, {"Value": "x"}, {"Value": [None, ""]}, {"Value": [{}]}, {"Value": [[1]]}],
)
def test_what_is_no_value_is_none(element: object) -> None:
    record = {"00180050": element}
    assert header_values.number(record, "00180050") is None
    assert isinstance(header_values.text(record, "00180050"), str)


@pytest.mark.parametrize("value", ["NaN", "inf", "1e999", "12 mm", ""])
def test_a_number_is_finite(value: object) -> None:
    assert header_values.number({"00180050": {"vr": "DS", "Value": [value]}}, "00180050") is None


def test_text_is_cleaned_joined_and_cut() -> None:
    record = {"00080008": {"vr": "CS", "Value": ["ORIGINAL", "\u202eevil", "x" * 500]}}
    text = header_values.text(record, "00080008")
    assert text.startswith("ORIGINAL,  evil")
    assert len(text) <= header_values.LONGEST


def test_endless_nesting_ends() -> None:
    record: dict[str, object] = {}
    for _ in range(2000):
        record = {"52009229": {"vr": "SQ", "Value": [record]}}
    assert header_values.number(record, "00180050") is None
