"""The report on a page: the same words as on paper, escaped, in the report's language."""

from django.utils import translation

from imaging.reports.documents import page
from imaging.reports.documents.content import PatientOf, Section
from tests.factories import report_contents


def test_everything_typed_is_escaped() -> None:
    bad = "<script>alert(1)</script>\n- <img src=x onerror=y>\n\"'&{{ x }}"
    made = page.fragment(
        report_contents.content(
            title=bad,
            sections=(Section(code="impression", title=bad, text=bad),),
            patient=PatientOf(patient_name="<b>^X"),
            reason=bad,
        )
    )
    assert "<script" not in made
    assert "<img src=x" not in made
    assert "&lt;script&gt;" in made
    assert "{{ x }}" in made


def test_lines_lists_numbers_and_pictures_are_there() -> None:
    made = page.fragment(report_contents.measured())
    assert '<li><span class="mark">•</span> Carpal bones aligned.</li>' in made
    assert "<td>2.4\N{NO-BREAK SPACE}mm</td>" in made
    assert made.count("<img ") == 3
    assert 'style="' not in made


def test_the_report_speaks_its_own_language_whatever_the_reader_s() -> None:
    with translation.override("en"):
        made = page.fragment(report_contents.content(language="fr", sections=report_contents.FRENCH))
        assert translation.get_language() == "en"
    assert '<article class="report-sheet" lang="fr"' in made
    assert "22 novembre 2026" in made
