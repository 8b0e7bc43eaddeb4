"""The paper of a report: whole, the same each time, archivable, and nothing that was typed is ever markup."""

import datetime as dt
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace

import pypdfium2
import pytest

from imaging.reports.documents import coverage, typeset
from imaging.reports.documents.content import EarlierVersion, KeyPicture, Kind, PatientOf, ReportContent, Section
from tests.factories import report_contents

HOSTILE = (
    '#import "/etc/passwd": * #read("/etc/passwd") #panic("x") $x^2$ *bold* _it_ \\ \\u{41} @ref <label> `raw` // gone'
    " /* gone */ ~ --- ... ```py``` = Heading #[a] #{1+1} ]] }} \" ' && %% {{x}} {number} {total}"
)


def texts(made: bytes) -> Iterator[str]:
    """The text of each page, without the breaks that only the width of the paper made."""
    document = pypdfium2.PdfDocument(made)
    for page in document:
        found = page.get_textpage().get_text_bounded()
        yield re.sub(r"\s+", " ", found.replace("\ufffe", "-"))


def whole(content: ReportContent) -> str:
    """All text of a report's paper."""
    return " ".join(texts(typeset.pdf(content)))


def test_the_paper_says_all_that_was_signed() -> None:
    told = whole(report_contents.measured())
    for expected in (
        "Hôpital Saint-Cœur",
        "Ben-Șerban, Élodie Zoë",
        "9 March 1987",
        "P-004711 (HSC)",
        "A2026-1182",
        "Dr Ahmed Naït-Saïd",
        "22 November 2026, 13:20",
        "No intra-articular extension.",
        "1. Boxer's fracture with 32° of angulation.",
        "2.4 mm",
        "Oblique view: the fracture line",
        "Dr Camille Lefèvre",
    ):
        assert expected in told


def test_the_same_content_gives_the_same_bytes() -> None:
    assert typeset.pdf(report_contents.measured()) == typeset.pdf(report_contents.measured())


def test_it_is_archivable_and_accessible_and_says_its_language_and_title() -> None:
    made = typeset.pdf(report_contents.measured(language="fr", sections=report_contents.FRENCH))
    assert b"<pdfaid:part>2</pdfaid:part>" in made
    assert b"<pdfaid:conformance>A</pdfaid:conformance>" in made
    assert b"<pdfuaid:part>1</pdfuaid:part>" in made
    assert b"/Lang(fr)" in made
    document = pypdfium2.PdfDocument(made)
    assert document.get_metadata_value("Title") == "Radiograph of the right hand"
    assert document.get_metadata_value("CreationDate").startswith("D:20261122130500")
    assert document.is_tagged()


def test_sixty_pages_come_whole_each_with_patient_and_number_and_no_heading_left_alone() -> None:
    sentence = "Le parenchyme hépatique est homogène, sans lésion focale décelable ; vésicule sans particularité. " * 4
    sections = tuple(
        Section(
            code="findings", title=f"Segment {number:03}", text=f"[{number:03}] {sentence}\n\n{sentence}\n- {sentence}"
        )
        for number in range(1, 221)
    )
    pages = list(texts(typeset.pdf(report_contents.content(sections=sections))))
    assert len(pages) >= 60
    for number, page in enumerate(pages, 1):
        assert "Ben-Șerban, Élodie Zoë" in page
        assert f"Page {number} of {len(pages)}" in page
        assert "A2026-1182" in page
        for heading in re.findall(r"Segment (\d{3})", page):
            assert f"[{heading}]" in page, "a heading stands alone at the end of its page"
    found = re.findall(r"\[(\d{3})\]", " ".join(pages))
    assert found == [f"{number:03}" for number in range(1, 221)]


def test_what_is_typed_is_never_markup() -> None:
    content = report_contents.content(
        title=HOSTILE,
        sections=(Section(code="findings", title=HOSTILE, text=HOSTILE),),
        patient=PatientOf(patient_name=f"{HOSTILE[:60]}^X", patient_id="#1"),
        reason=HOSTILE,
    )
    told = whole(content)
    assert told.count(re.sub(r"\s+", " ", HOSTILE[:60])) >= 3
    assert "root:" not in told
    assert "Page 1 of " in told


def test_control_and_direction_characters_reach_no_paper() -> None:
    odd = "".join(map(chr, range(32))) + "\x7f\x85\u202e\u2066\ufeff\ud83d done"
    assert "done" in whole(report_contents.content(sections=(Section(code="findings", title="F", text=odd),)))


def test_a_hundred_thousand_letters_without_a_space_are_all_there() -> None:
    text = "x" * 100_000
    told = whole(report_contents.content(sections=(Section(code="findings", title="F", text=text),)))
    assert told.count("x") >= 100_000


def test_greek_cyrillic_and_hebrew_are_printed_as_they_are() -> None:
    text = "Ὀδυσσεύς Ελλάδα · Привет Ґанок · œuf Œdème ÿ ŵ ḍ ệ ₂ ≤ ½ → · שלום"
    covered, missing = coverage.printable(text)
    assert (covered, missing) == (text, 0)
    told = whole(report_contents.content(sections=(Section(code="findings", title="F", text=text),)))
    for word in ("Ελλάδα", "Привет", "Œdème", "ệ", "≤"):
        assert word in told


def test_what_no_font_has_becomes_a_mark_and_the_paper_says_so() -> None:
    text = "患者 محمد 😀 ok"
    told = whole(report_contents.content(sections=(Section(code="findings", title="F", text=text),)))
    assert "□□ □□□□ □ ok" in told
    assert "7 characters cannot be printed" in told


def test_full_width_letters_and_ligatures_are_printed_by_their_plain_ones() -> None:
    assert coverage.printable("ＡＢＣ ﬁn ㎜") == ("ABC fin mm", 0)


@pytest.mark.parametrize(
    ("kind", "mark", "notice"),
    [
        (Kind.PRELIMINARY, "PRELIMINARY", "not yet confirmed"),
        (Kind.WITHDRAWAL, "WITHDRAWN", "must not be used"),
    ],
)
def test_what_is_not_final_is_marked_on_every_page(kind: Kind, mark: str, notice: str) -> None:
    long = Section(code="findings", title="F", text="\n\n".join(["A line."] * 120))
    pages = list(texts(typeset.pdf(report_contents.content(kind=kind, sections=(long,)))))
    assert len(pages) > 1
    assert all(mark in page for page in pages)
    assert notice in pages[0]
    assert mark not in whole(report_contents.content())


def test_a_correction_says_what_it_replaces_and_why() -> None:
    before = EarlierVersion(
        number=1,
        kind=Kind.FINAL,
        at=report_contents.SIGNED_AT,
        signed_by="Dr Camille Lefèvre",
        sections=report_contents.ENGLISH,
    )
    told = whole(report_contents.content(number=2, kind=Kind.CORRECTION, reason="Wrong side.", earlier=(before,)))
    assert "This version replaces version 1 of 22 November 2026, 14:05. Reason: Wrong side." in told
    assert "Version 1, final report, 22 November 2026, 14:05, Dr Camille Lefèvre" in told


def test_an_addendum_stands_below_what_it_was_added_to_each_with_its_day() -> None:
    def note(text: str) -> tuple[Section, ...]:
        return (Section(code="addendum", title="Addendum", text=text),)

    at = report_contents.SIGNED_AT
    first = EarlierVersion(number=1, kind=Kind.FINAL, at=at, sections=report_contents.ENGLISH)
    second = EarlierVersion(number=2, kind=Kind.ADDENDUM, at=at + dt.timedelta(days=1), sections=note("Earlier note."))
    content = report_contents.content(
        number=3,
        kind=Kind.ADDENDUM,
        signed_at=at + dt.timedelta(days=2),
        sections=note("Later note."),
        earlier=(first, second),
    )
    told = whole(content)
    places = [
        told.index(each)
        for each in (
            "Boxer's fracture",
            "Addendum · 23 November 2026",
            "Earlier note.",
            "Addendum · 24 November 2026",
            "Later note.",
        )
    ]
    assert places == sorted(places)
    assert told.count("Earlier note.") == 1


def test_all_pictures_are_on_the_paper_and_a_missing_one_is_said_to_be_in_the_study() -> None:
    plates = tuple(report_contents.key_picture(number, f"Plate {number}") for number in range(1, 14))
    content = report_contents.content(pictures=(*plates, KeyPicture(image=report_contents.SHADOW, caption="Elsewhere")))
    made = typeset.pdf(content)
    images = sum(
        1
        for page in pypdfium2.PdfDocument(made)
        for found in page.get_objects(max_depth=4)
        if found.type == pypdfium2.raw.FPDF_PAGEOBJ_IMAGE
    )
    assert images == 13
    assert "The picture is in the study." in " ".join(texts(made))


def test_every_kind_is_tagged_with_and_without_pictures_and_numbers() -> None:
    """The typesetter's checks of structure are strict: none of our layouts may fall back to a paper without tags."""
    measured = report_contents.measured()
    for kind in Kind:
        for content in (
            replace(measured, kind=kind),
            replace(measured, kind=kind, pictures=measured.pictures[:1], measurements=measured.measurements * 30),
            replace(measured, kind=kind, pictures=(), sections=()),
        ):
            assert pypdfium2.PdfDocument(typeset.pdf(content)).is_tagged()


def test_what_is_no_picture_is_left_to_the_study() -> None:
    odd = KeyPicture(image=report_contents.SHADOW, caption="c", data=b"<svg onload=x>")
    assert "The picture is in the study." in whole(report_contents.content(pictures=(odd,)))


def test_a_broken_picture_is_a_refusal_without_a_word_of_the_report() -> None:
    odd = KeyPicture(image=report_contents.SHADOW, caption="c", data=b"\x89PNG\r\n\x1a\n" + b"junk" * 40)
    with pytest.raises(typeset.TypesettingFailed) as refused:
        typeset.pdf(report_contents.content(pictures=(odd,)))
    assert refused.value.code == "refused"
    assert "Ben" not in str(refused.value)


def test_a_text_beyond_all_measure_is_refused_at_once() -> None:
    text = "word " * 1_000_000
    with pytest.raises(typeset.TypesettingFailed, match="too_long"):
        typeset.pdf(report_contents.content(sections=(Section(code="findings", title="F", text=text),)))


def test_a_typesetter_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typeset, "SECONDS", 0.001)
    with pytest.raises(typeset.TypesettingFailed, match="took_too_long"):
        typeset.pdf(report_contents.content())


def test_the_typesetter_is_told_nothing_of_the_portal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY_FILE", "/nowhere")
    told: list[dict[str, str]] = []
    real = subprocess.run

    def run(*command: object, **options: object) -> object:
        told.append(options["env"])  # type: ignore[arg-type]
        return real(*command, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(typeset.subprocess, "run", run)
    typeset.pdf(report_contents.content())
    assert set(told[0]) == {"RAYON_NUM_THREADS"}
