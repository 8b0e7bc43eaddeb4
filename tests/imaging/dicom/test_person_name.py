"""Names are shown and searched in every writing."""

import pytest

from imaging.dicom import person_name


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("Dupont^Marie^Anne", "Dupont, Marie Anne"),
        ("Dupont^Marie^^Dr", "Dupont, Dr Marie"),
        ("DUPONT", "DUPONT"),
        ("^Marie", "Marie"),
        ("", ""),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada, Tarou (山田, 太郎)"),
        ("=山田^太郎", "山田, 太郎"),
        ("a^b^c^d^e^f^g=x", "a, d b c e f g (x)"),
    ],
)
def test_names_are_displayed(value, shown):
    assert person_name.display(value) == shown


@pytest.mark.parametrize(
    ("value", "searched"),
    [
        ("Buc^Jérôme", "buc jerome"),
        ("O'NEILL^Séan-Óg", "o neill sean og"),
        ("Weiß^Änne", "weiss anne"),
        ("  Dupont  ^^^ ", "dupont"),
        ("Yamada^Tarou=山田^太郎", "yamada tarou 山田 太郎"),
        ("やまだ", "やまだ"),
        ("ŁUKASZ", "łukasz"),
    ],
)
def test_names_are_normalised_for_search(value, searched):
    assert person_name.normalised(value) == searched


def test_normalising_twice_changes_nothing():
    for value in ("Dvořák^Antonín", "ﾔﾏﾀﾞ^ﾀﾛｳ", "洪^吉洞"):
        once = person_name.normalised(value)
        assert person_name.normalised(once) == once


def test_family_and_given_come_from_the_first_writing():
    assert person_name.family("=山田^太郎") == "山田"
    assert person_name.given("Dupont^Marie^Anne") == "Marie Anne"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("DUPONT^Jean", "D••• J."),
        ("Li^Wu^^Dr", "L••• W."),
        ("e\u0301luard^Paul", "É••• P."),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Y••• T."),
        ("=山田^太郎", "山••• 太."),
        ("DUPONT", "D•••"),
        ("^Jean", "J."),
        ("", ""),
        ("^^^", ""),
    ],
)
def test_a_masked_name_is_known_again_by_who_knows_it(value: str, shown: str) -> None:
    assert person_name.masked(value) == shown
