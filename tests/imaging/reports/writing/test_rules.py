"""Differences word by word, and what marks on images measure: pure."""

import pytest

from imaging.reports.writing import differences, measuring
from imaging.reports.writing.differences import Mark
from imaging.reports.writing.measuring import Scale


def test_a_difference_is_told_by_words() -> None:
    pieces = differences.words("Fracture of the fifth metacarpal.", "Fracture of the fourth metacarpal.")
    assert [(piece.mark, piece.text) for piece in pieces] == [
        (Mark.SAME, "Fracture of the "),
        (Mark.GONE, "fifth"),
        (Mark.NEW, "fourth"),
        (Mark.SAME, " metacarpal."),
    ]


def test_both_texts_can_be_made_of_a_difference_however_long() -> None:
    before, after = "a b\n" * 5000 + "end", "a c\n" * 5000 + "end"
    pieces = differences.words(before, after)
    assert "".join(piece.text for piece in pieces if piece.mark is not Mark.NEW) == before
    assert "".join(piece.text for piece in pieces if piece.mark is not Mark.GONE) == after


def test_sections_that_came_and_went_are_told() -> None:
    def section(code: str, text: str) -> dict[str, str]:
        return {"code": code, "title": code, "text": text}

    changes = differences.sections([section("a", "x"), section("b", "y")], [section("b", "y"), section("c", "z")])
    assert [(change.title, change.is_changed) for change in changes] == [("b", False), ("c", True), ("a", True)]


@pytest.mark.parametrize(
    ("tool", "points", "space", "scale", "value", "unit"),
    [
        ("length", [[0, 0, 0], [3, 4, 0]], "patient", None, "5.0", "mm"),
        ("length", [[0, 0], [30, 40]], "image", Scale(0.2, 0.2), "10.0", "mm"),
        ("length", [[0, 0], [30, 40]], "image", None, "50.0", "px"),
        ("angle", [[1, 0, 0], [0, 0, 0], [0, 1, 0]], "patient", None, "90.0", "°"),
        ("cobb", [[0, 0], [1, 0], [1, 1], [0, 0]], "image", Scale(1, 1), "45.0", "°"),
        ("rectangle", [[0, 0], [50, 0], [0, 40], [50, 40]], "image", Scale(1, 1), "20.0", "cm²"),
        ("ellipse", [[0, 10], [0, -10], [-5, 0], [5, 0]], "image", Scale(1, 1), "157.1", "mm²"),
    ],
)
def test_a_mark_measures_what_the_viewer_writes(
    tool: str, points: list[list[float]], space: str, scale: Scale | None, value: str, unit: str
) -> None:
    found = measuring.measured(tool, {"space": space, "points": points}, scale)
    assert found is not None
    assert (found.value, found.unit) == (value, unit)


def test_a_radiograph_measures_at_its_detector_and_an_ultrasound_nowhere_in_particular() -> None:
    def header(modality: str, **tags: list[float]) -> dict[str, dict[str, list[object]]]:
        return {"00080060": {"Value": [modality]}, **{tag[1:]: {"Value": list(value)} for tag, value in tags.items()}}

    assert measuring.scale_of(header("CR", _00181164=[0.1, 0.1])) == Scale(0.1, 0.1, "detector")
    assert measuring.scale_of(header("CT", _00280030=[0.5, 0.5])) == Scale(0.5, 0.5, "patient")
    assert measuring.scale_of(header("US", _00186011=[1])) is None
    assert measuring.scale_of(header("CR", _00181164=[0.0, float("nan")])) is None
