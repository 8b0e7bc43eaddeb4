"""Addresses made around UIDs are those that the routes resolve, and nothing but a UID gets into one."""

import pytest
from django.urls import NoReverseMatch, reverse

from imaging.viewer.uid_addresses import of_uids


@pytest.mark.parametrize(
    ("name", "uids"),
    [
        ("viewer:study", ["1.2.3"]),
        ("viewer:series-thumbnail", ["1.2.3", "1.2.3.4"]),
        ("viewer:instance-preview", ["1.2.3", "1.2.3.4", "1.2.3"]),
    ],
)
def test_it_is_the_address_of_the_route(name: str, uids: list[str]) -> None:
    assert of_uids(name, *uids) == reverse(name, args=uids)


@pytest.mark.parametrize("odd", ["", "1.2/../3", "1.2?x", '1"><b', "1" * 65, "1.2\n"])
def test_what_is_no_uid_makes_no_address(odd: str) -> None:
    with pytest.raises(NoReverseMatch):
        of_uids("viewer:study", odd)
