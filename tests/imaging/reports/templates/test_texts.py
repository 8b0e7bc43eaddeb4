"""Templates as people write them: fields, macros, sections; what is broken is told and never lost."""

import pytest

from imaging.reports.templates import fields, layout, services
from imaging.reports.templates.fields import Fault, Kind
from imaging.reports.templates.layout import LayoutInvalid
from imaging.reports.templates.policies import Offer, Wanted, best


def test_every_kind_of_field_is_found() -> None:
    found = fields.find("[[a]] [[b|text]] [[c|number mm]] [[d|left/right]] [[e|date]] [[.f]]")
    assert [each.kind for each in found.fields] == [
        *(Kind.TEXT, Kind.TEXT, Kind.NUMBER, Kind.CHOICE, Kind.DATE, Kind.MACRO),
    ]
    assert found.fields[2].unit == "mm"
    assert found.fields[3].options == ("left", "right")
    assert not found.problems


@pytest.mark.parametrize(
    ("text", "fault", "line"),
    [
        ("one\n[[size|number", Fault.NOT_CLOSED, 2),
        ("[[ |text]]", Fault.NO_LABEL, 1),
        ("[[size|numbre]]", Fault.UNKNOWN_KIND, 1),
        ("[[x|" + "/".join("abcdefghijklmnopqrstuvwxyz") + "]]", Fault.TOO_MANY, 1),
        ("a [[b [[c]]", Fault.NOT_CLOSED, 1),
    ],
)
def test_what_is_broken_is_told_with_its_line(text: str, fault: Fault, line: int) -> None:
    problem = fields.find(text).problems[0]
    assert (problem.fault, problem.line) == (fault, line)
    assert problem.piece in text


def test_a_broken_macro_stays_as_it_was_and_the_others_are_put_in() -> None:
    text, problems = fields.expand("A [[.ok]]\n[[.gone]] B", {"ok": "fine\nvery"})
    assert text == "A fine\nvery\n[[.gone]] B"
    assert [(each.fault, each.line, each.piece) for each in problems] == [(Fault.UNKNOWN_MACRO, 3, "[[.gone]]")]


def test_macros_that_name_each_other_come_to_an_end() -> None:
    text, problems = fields.expand("[[.a]]", {"a": "x [[.b]]", "b": "y [[.a]]"})
    assert text == "x y [[.a]]"
    assert problems[0].fault is Fault.ROUND


def test_macros_that_grow_without_end_are_cut_short() -> None:
    macros = {f"m{n}": f"[[.m{n + 1}]]" * 100 for n in range(4)} | {"m4": "x" * 1000}
    text, problems = fields.expand("[[.m0]]", macros)
    assert len(text) < 20_000_000
    assert problems


def test_a_template_is_written_as_one_text_and_read_back() -> None:
    sections = layout.read("kept\n## technique\nCT\n\n## impression: Conclusion\n- a\n\n- b\n")
    assert [(each["code"], each["title"]) for each in sections] == [
        ("findings", ""),
        ("technique", ""),
        ("impression", "Conclusion"),
    ]
    assert sections[0]["text"] == "kept"
    assert sections[2]["text"] == "- a\n\n- b"
    assert layout.read(layout.write(layout.read("## a: T\nx\n\n## b\ny"))) == layout.read("## a: T\nx\n\n## b\ny")


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "empty"), ("## a\n## a", "twice"), ("## a\n" + "x" * 50_001, "too_long"), ("## s\n" * 21, "too_many")],
)
def test_what_is_no_template_is_refused(text: str, code: str) -> None:
    with pytest.raises(LayoutInvalid) as refused:
        layout.read(text)
    assert refused.value.code == code


def test_every_starter_template_can_be_read_and_is_known_to_structured_reports() -> None:
    every = list(services.starter())
    assert len(every) == 24
    for entry in every:
        for section in entry.columns["sections"]:
            assert layout.is_known(section["code"])
            assert not fields.find(section["text"]).problems, entry.name


def test_the_template_that_names_most_of_the_study_is_chosen() -> None:
    offers = [
        Offer(pk=1, language="en", modality="DX"),
        Offer(pk=2, language="en", modality="DX", body_part_examined="HAND"),
        Offer(pk=3, language="fr", modality="DX", body_part_examined="HAND"),
        Offer(pk=4, language="en", modality="DX", body_part_examined="HAND", is_own=True),
        Offer(pk=5, language="en", modality="CT", body_part_examined="HAND"),
    ]
    assert best(offers, Wanted(language="en", modality="CR", body_part_examined="HAND")) == 4
    assert best(offers, Wanted(language="fr", modality="CR", body_part_examined="hand")) == 3
    assert best(offers, Wanted(language="en", modality="CR", body_part_examined="FOOT")) == 1
    assert best(offers, Wanted(language="en", modality="MR")) is None
