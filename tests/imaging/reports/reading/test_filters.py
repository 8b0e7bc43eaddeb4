"""Addresses of the reading list are hostile: what cannot be understood is left out."""

from datetime import UTC, datetime

import pytest
from django.http import QueryDict

from imaging.reports.reading import filters
from imaging.reports.reading.filters import Place, ReadingFilters, Show


def test_filters_written_into_an_address_are_read_again() -> None:
    wanted = ReadingFilters(
        show=Show.MINE,
        modalities=("CT", "MR"),
        subspecialties=("neuro",),
        priorities=(0, 1),
        departments=(3,),
        is_unlocked=True,
    )
    assert filters.read(QueryDict(filters.address(wanted))) == wanted


def test_a_place_in_the_list_is_kept_to_the_microsecond() -> None:
    place = Place(1, datetime(2026, 3, 4, 12, 0, 0, 123457, tzinfo=UTC), 99)
    found = filters.read(QueryDict(filters.address(ReadingFilters(), after=place)))
    assert found.after == place


@pytest.mark.parametrize(
    "query",
    [
        "show=everything",
        "priority=9",
        "department=-1",
        "department=99999999999999999999999999",
        "department=٣",
        "after=1.2",
        "after=9.1.1",
        "after=0.99999999999999999999999999999999.1",
        "after=0.1.99999999999999999999999",
        "after=" + "1" * 5000,
        "modality=%00",
    ],
)
def test_what_is_not_understood_hides_nothing(query: str) -> None:
    assert filters.read(QueryDict(query)) == ReadingFilters()
