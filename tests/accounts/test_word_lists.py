"""Several words in one field, however people put them there."""

import pytest
from django.core.exceptions import ValidationError

from accounts.outbound.models import validate_network
from accounts.word_lists import WordsField


@pytest.mark.parametrize("written", ["10.0.0.0/8\n::1", "10.0.0.0/8, ::1", " 10.0.0.0/8  ::1 \r\n::1,"])
def test_lines_blanks_and_commas_part_words(written: str) -> None:
    field = WordsField(each=validate_network)
    assert field.clean(written) == ["10.0.0.0/8", "::1"]
    assert not field.has_changed(["10.0.0.0/8", "::1"], written)
    assert field.has_changed(["10.0.0.0/8"], written)


@pytest.mark.parametrize("written", ["10.0.0.0/8 nowhere", "0.0.0.0/0", "169.254.169.254"])
def test_one_word_that_is_refused_refuses_all(written: str) -> None:
    field = WordsField(each=validate_network)
    with pytest.raises(ValidationError):
        field.clean(written)
    assert field.has_changed([], written)


def test_nothing_written_is_no_words() -> None:
    field = WordsField(required=False)
    assert field.clean("") == field.clean(" , ") == []
