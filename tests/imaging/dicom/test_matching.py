"""Attribute matching of PS3.4 section C.2.2.2: what the text of a key means, and which texts are refused."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.dicom import matching, name_matching
from imaging.dicom.matching import Anything, Key, KeyInvalid, Numbers, OneOf, Patterns
from imaging.dicom.name_matching import NamePattern, NameWords
from imaging.dicom.temporal_matching import Days, Moments, Times


def local(*parts: int) -> datetime:
    """A moment of 2026 without a time zone, as a query gives it."""
    return datetime(2026, *parts, tzinfo=UTC).replace(tzinfo=None)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("name", "text", "match"),
    [
        ("PatientID", "", Anything()),
        ("PatientID", "**", Anything()),
        ("StudyDate", "*", Anything()),
        ("PatientID", " A1 ", OneOf(("A1",))),
        ("00100020", "A1", OneOf(("A1",))),
        ("PatientID", "A,1", OneOf(("A,1",))),
        ("StudyDescription", "CT***", Patterns(("CT*",))),
        ("AccessionNumber", "A\\B?", Patterns(("A", "B?"))),
        ("StudyInstanceUID", "1.2,1.3\\1.2", OneOf(("1.2", "1.3"))),
        ("ModalitiesInStudy", "CT,MR", OneOf(("CT", "MR"))),
        ("SeriesNumber", "03", Numbers((3,))),
        ("PatientWeight", "70.5", Numbers((70.5,))),
        ("StudyDate", "20260304", Days(date(2026, 3, 4), date(2026, 3, 4))),
        ("StudyDate", "2026.03.04", Days(date(2026, 3, 4), date(2026, 3, 4))),
        ("StudyDate", "20260304-", Days(date(2026, 3, 4), None)),
        ("StudyDate", "-20260304", Days(None, date(2026, 3, 4))),
        ("StudyDate", "20260304 - 20260305", Days(date(2026, 3, 4), date(2026, 3, 5))),
        ("StudyTime", "10", Times(time(10), time(10, 59, 59, 999999))),
        ("StudyTime", "1030-1045", Times(time(10, 30), time(10, 45, 59, 999999))),
        ("StudyTime", "10:30:05.5", Times(time(10, 30, 5, 500000), time(10, 30, 5, 599999))),
        ("StudyTime", "-235960", Times(None, time(23, 59, 59, 999999))),
        ("AcquisitionDateTime", "2026", Moments(local(1, 1), local(12, 31, 23, 59, 59, 999999))),
        ("AcquisitionDateTime", "202602-", Moments(local(2, 1), None)),
        ("PatientName", "DUP*", NamePattern("DUP*")),
    ],
)
def test_each_kind_of_matching_is_read(name: str, text: str, match: matching.Match) -> None:
    assert matching.parse(name, text).match == match


def test_a_moment_may_have_a_time_zone_whose_sign_is_no_range() -> None:
    west = timezone(timedelta(hours=-5))
    assert matching.parse("AcquisitionDateTime", "2026-0500").match == Moments(
        datetime(2026, 1, 1, tzinfo=west), datetime(2026, 12, 31, 23, 59, 59, 999999, tzinfo=west)
    )
    span = matching.parse("AcquisitionDateTime", "2026+0100-2027+0100").match
    assert isinstance(span, Moments)
    assert span.first
    assert span.last
    assert (span.first.year, span.last.year) == (2026, 2027)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("PatientName", "a*b" * 20, "too many wildcards"),
        ("PatientName", "*?*?*^", "no letter"),
        ("PatientName", "x" * 10_000, "too long: 10000"),
        ("PatientID", "a\x00b", "control characters"),
        ("StudyDate", "20261301", "no date"),
        ("StudyDate", "2026-01-01", "no date"),
        ("StudyDate", "20260302-20260301", "ends before it begins"),
        ("StudyDate", "-", "no date"),
        ("StudyDate", "٢٠٢٦٠١٠١", "no date"),
        ("StudyTime", "2561", "no time"),
        ("AcquisitionDateTime", "20260301-20260201", "ends before"),
        ("SeriesNumber", "one", "no whole number"),
        ("SeriesNumber", "9" * 30, "no whole number"),
        ("StudyInstanceUID", "1.2.*", "no UID"),
        ("StudyInstanceUID", ",".join(["1.2"] * 3 + [f"1.{n}" for n in range(600)]), "too many"),
        ("PixelData", "x", "cannot be searched"),
        ("RequestAttributesSequence", "x", "name an attribute inside"),
        ("PatientName.PatientID", "x", "no sequence"),
        ("NoSuchThing", "x", "no attribute"),
        ("PatientName\n", "x", "no attribute"),
        ("a." * 400, "x", "too long"),
    ],
)
def test_what_cannot_be_matched_is_refused_in_words(name: str, text: str, reason: str) -> None:
    with pytest.raises(KeyInvalid) as caught:
        matching.parse(name, text)
    assert reason in caught.value.detail
    assert len(caught.value.detail) < 200


@given(st.sampled_from(["PatientName", "StudyDate", "StudyTime", "AcquisitionDateTime", "SeriesNumber"]), st.text())
def test_any_text_is_understood_or_refused(name: str, text: str) -> None:
    try:
        key = matching.parse(name, text)
    except KeyInvalid:
        return
    if isinstance(key.match, NamePattern):
        re.compile(key.match.regex)
    assert len(matching.written(key.match)) <= 256


def test_attributes_inside_sequences_have_a_path() -> None:
    key = matching.parse("RequestAttributesSequence.00400009", "S1")
    assert key.name == "RequestAttributesSequence.ScheduledProcedureStepID"
    assert key.path == (0x00400275, 0x00400009)


def test_a_date_and_a_time_become_one_span_of_moments() -> None:
    keys = (matching.parse("StudyDate", "20260301-20260302"), matching.parse("StudyTime", "12-0759"))
    (span,) = matching.combined(keys, 0x00080020, 0x00080030)
    assert span.match == Moments(local(3, 1, 12), local(3, 2, 7, 59, 59, 999999))
    alone = (Key((0x00080020,), "DA", Anything()),)
    assert matching.combined(alone, 0x00080020, 0x00080030) == alone


@pytest.mark.parametrize(
    ("pattern", "name", "found"),
    [
        ("doe^j*", "Doé^John", True),
        ("DOE^*", "DOE", True),
        ("DOE^*", "Doe^John^^Dr", True),
        ("DOE^*", "DOE SMITH^John", False),
        ("DOE", "DOE^John", False),
        ("doe^john", "DOE^JOHN^^^", True),
        ("*doe*", "Van Doe^X", True),
        ("D?E^*", "Doe^X", True),
        ("D?E^*", "Dooe^X", False),
        ("*o'b*", "O'Brien^A", True),
        ("o'b*", "OBrien^A", False),
        ("山田*", "Yamada^Taro=山田^太郎=やまだ^たろう", True),
        ("Yam*=山田*", "Yamada^Taro=山田^太郎", True),
        ("Yam*=鈴木*", "Yamada^Taro=山田^太郎", False),
        ("STRASSE*", "Straße^A", True),
        ("Yamada^Taro", "Yamada^Taro=山田^太郎", True),
        ("ΣΊΣΥΦΟΣ*", "Σίσυφος^Α", True),
        (".*", "Doe^J", False),
        ("[Dd]oe*", "Doe^J", False),
    ],
)
def test_names_match_by_component_and_writing_without_case_or_accents(pattern: str, name: str, found: bool) -> None:
    made = name_matching.pattern(pattern)
    assert bool(re.search(made.regex, name_matching.folded(name))) is found


def test_fuzzy_words_begin_words_of_the_name() -> None:
    assert name_matching.words("*doe* jo^mar*") == NameWords(("jo", "mar"), ("doe",))
