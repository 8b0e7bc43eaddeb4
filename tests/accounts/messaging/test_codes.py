"""Codes are typed as people type, kept so that the database alone gives none away, and read after a change of key."""

import re
from typing import Any

import pytest

from accounts.messaging import codes


def test_a_sent_code_is_six_digits_and_proves_itself() -> None:
    code = codes.new_code()
    assert re.fullmatch(r"[0-9]{6}", code.plain)
    assert codes.matches(code.digest, f" {code.plain[:3]} {code.plain[3:]} ")
    other = f"{(int(code.plain) + 1) % 10**6:06d}"
    assert not codes.matches(code.digest, other)
    assert code.plain not in code.digest


def test_a_printed_code_has_sixty_bits_in_three_groups() -> None:
    code = codes.new_printed_code()
    assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){2}[0-9A-HJKMNP-TV-Z]{4}", code)
    assert len(codes.ALPHABET) ** codes.LENGTH == 2**60
    assert not set(codes.ALPHABET) & set("ILOU")


@pytest.mark.parametrize(
    "typed", ["0123-ABCD-EF1J", "0123abcdef1j", " o123 – abcd ef l j ", "O I23.ABCD.EFIJ", "0123-ABCD-EFLJ"]
)
def test_a_printed_code_is_read_however_it_is_typed(typed: str) -> None:
    assert codes.is_printed_code(codes.printed_digest("0123-ABCD-EF1J"), typed)


@pytest.mark.parametrize("typed", ["", "0123-ABCD-EF1K", "0123-ABCD", "0" * 5000, "\x00", "é" * 100])
def test_another_code_is_none(typed: str) -> None:
    assert not codes.is_printed_code(codes.printed_digest("0123-ABCD-EF1J"), typed)
    assert not codes.is_printed_code("", typed)
    assert not codes.matches("", typed)


def test_a_sent_code_is_no_printed_one() -> None:
    code = codes.new_code()
    assert not codes.is_printed_code(code.digest, code.plain)


def test_a_letter_outlives_a_change_of_the_servers_key(settings: Any) -> None:
    digest = codes.printed_digest("0123-ABCD-EF1J")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another" * 10, [settings.SECRET_KEY]
    assert codes.is_printed_code(digest, "0123-ABCD-EF1J")
    settings.SECRET_KEY_FALLBACKS = []
    assert not codes.is_printed_code(digest, "0123-ABCD-EF1J")
