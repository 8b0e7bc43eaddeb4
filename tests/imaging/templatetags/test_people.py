"""How people, dates and ages are written, in both languages."""

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import translation

from imaging.templatetags import people

BORN = dt.date(1955, 2, 2)


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("Durand^Hélène^Marie", "DURAND Hélène Marie"),
        ("de la Tour^Jean^^Dr^Jr", "DE LA TOUR Jean Jr"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "YAMADA Tarou"),
        ("=山田^太郎", "山田 太郎"),
        ("NADEAU", "NADEAU"),
        ("", "No name"),
        ("^^^^", "No name"),
        (None, "No name"),
    ],
)
def test_a_name_is_family_in_capitals_then_given_names(stored: str | None, shown: str) -> None:
    assert people.person_text(stored) == shown


def test_a_name_full_of_markup_is_text() -> None:
    written = people.person_name("<script>alert(1)</script>^<b>x</b>")
    assert "<script>" not in written
    assert "&lt;SCRIPT&gt;" in written


@pytest.mark.parametrize(
    ("on", "written"),
    [
        (dt.date(2026, 2, 1), "70 y"),
        (dt.date(2026, 2, 2), "71 y"),
        (dt.date(1957, 2, 1), "23 mo"),
        (dt.date(1957, 2, 2), "2 y"),
        (dt.date(1955, 3, 1), "27 d"),
        (dt.date(1955, 3, 2), "1 mo"),
        (dt.datetime(2026, 2, 2, 12, tzinfo=dt.UTC), "71 y"),
        (dt.date(1954, 1, 1), ""),
    ],
)
def test_an_age_is_in_days_then_months_then_years(on: dt.date, written: str) -> None:
    assert people.age(BORN, on) == written


def test_nobody_has_an_age_without_a_birth_date() -> None:
    assert people.age(None, dt.date(2026, 1, 1)) == ""


def test_dates_are_written_as_the_reader_writes_them() -> None:
    assert people.day(BORN) == "02 Feb 1955"
    with translation.override("fr"):
        assert people.day(BORN) == "02/02/1955"
    assert people.day(None) == ""
    assert people.clock(dt.time(6, 5)) == "06:05"


def test_initials_are_two_letters_at_most() -> None:
    assert people.initials("Inès Caron") == "IC"
    assert people.initials("Jean-Marc van den Berg") == "JB"
    assert people.initials("Dr Inès Caron") == people.initials("Mme. Inès Caron") == "IC"
    assert people.initials("Dr") == "D"
    assert people.initials("emergency") == "E"
    assert people.initials("") == ""


@pytest.mark.parametrize(
    ("dose", "english", "french"),
    [
        ("0.001", "< 0.1 mSv", "< 0,1 mSv"),
        ("0.1", "0.1 mSv", "0,1 mSv"),
        ("8.00", "8 mSv", "8 mSv"),
        ("12.34", "12.3 mSv", "12,3 mSv"),
        ("0", "0 mSv", "0 mSv"),
    ],
)
def test_a_small_dose_is_never_told_as_none(dose: str, english: str, french: str) -> None:
    with translation.override("en"):
        assert people.millisieverts(Decimal(dose)) == english
    with translation.override("fr"):
        assert people.millisieverts(Decimal(dose)) == french
