"""What is signed is cleaned once, kept as plain values, and has one digest."""

import datetime as dt
import json
from dataclasses import replace

import pytest

from imaging.reports.documents import canonical
from imaging.reports.documents.content import Kind, ReportContent, Section
from tests.factories import report_contents


def test_a_text_loses_what_would_disguise_it_and_keeps_its_lines() -> None:
    typed = "right\u202ethgir\u0000\r\nsecond line\rthird\tcell \ud800 cafe\u0301\n\n"
    assert Section(code="findings", title="F", text=typed).text == (
        "right thgir \nsecond line\nthird cell \N{REPLACEMENT CHARACTER} café"
    )


def test_cleaning_what_is_clean_changes_nothing() -> None:
    once = Section(code="findings", title="Œdème", text="a\u0000b\n- c\n\td")
    assert replace(once) == once


def test_what_was_signed_comes_back_from_the_database_as_it_was() -> None:
    signed = report_contents.measured(kind=Kind.CORRECTION, number=2, reason="Side")
    kept = canonical.record(signed)
    # jsonb keeps neither the order of keys nor spaces.
    stored = json.loads(json.dumps(dict(reversed(kept.items()))))
    pictures = {each.sha256: each.data for each in signed.pictures}
    assert canonical.read(stored, pictures=pictures) == signed
    assert canonical.digest(stored) == signed.digest == canonical.read(stored).digest


def test_every_change_of_a_letter_or_a_picture_changes_the_digest() -> None:
    signed = report_contents.measured()
    other_text = replace(signed.sections[0], text=signed.sections[0].text + ".")
    changed = [
        replace(signed, sections=(other_text, *signed.sections[1:])),
        replace(signed, pictures=signed.pictures[:2]),
        replace(signed, signed_at=signed.signed_at + dt.timedelta(seconds=1)),
        replace(signed, pictures=(replace(signed.pictures[0], data=report_contents.picture(seed=9), sha256=""),)),
    ]
    digests = {canonical.signed(each).digest for each in changed}
    assert len(digests) == len(changed)
    assert signed.digest not in digests


def test_a_record_that_knew_fewer_fields_keeps_its_digest() -> None:
    kept = canonical.record(report_contents.content())
    older = {name: value for name, value in kept.items() if name not in {"critical", "reason"}}
    read = canonical.read(older)
    assert read.digest == canonical.digest(older)
    assert read.critical == ()


def test_another_picture_than_was_signed_is_refused() -> None:
    signed = report_contents.measured()
    kept = canonical.record(signed)
    with pytest.raises(ValueError, match="not the one that was signed"):
        canonical.read(kept, pictures={signed.pictures[0].sha256: report_contents.picture(seed=9)})


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"format": "negatoscope-report/99"},
        {"format": canonical.FORMAT},
        {"format": canonical.FORMAT, "number": "1"},
        {"format": canonical.FORMAT, "sections": {}},
    ],
)
def test_what_is_no_record_is_refused(odd: dict[str, object]) -> None:
    with pytest.raises(canonical.NotARecord):
        canonical.read(odd)


def test_a_report_is_of_a_study_and_its_moments_say_their_zone() -> None:
    with pytest.raises(ValueError, match="of a study"):
        report_contents.content(studies=())
    with pytest.raises(ValueError, match="zone"):
        report_contents.content(signed_at=dt.datetime(2026, 11, 22, 14, 5))  # noqa: DTZ001


def test_only_a_signed_report_that_is_not_preliminary_is_verified() -> None:
    def verified(content: ReportContent) -> bool:
        return content.is_verified

    assert verified(report_contents.content())
    assert not verified(report_contents.content(kind=Kind.PRELIMINARY))
    assert not verified(report_contents.content(signatures=()))
